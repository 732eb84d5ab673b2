internal import CoreAPI
internal import HTTPTransport
internal import KubernetesClient
internal import PreviewIdentity

/// What the checks look at.
struct DoctorContext: Sendable {
    let connection: ClusterConnection
    /// Where the platform's core API is; `nil` without one.
    let coreAPI: CoreAPIBaseURL?
    /// The service key, where it is known here.
    let serviceKey: ServiceKey?
    /// Whether the kubeconfig is the service account of the pod that this runs in.
    let isService: Bool
    /// Reaches the core API.
    let platform: any HTTPTransport
    /// The addresses of a name; none where it does not resolve.
    let resolve: @Sendable (String) async -> [String]

    var client: KubernetesClient { connection.client }
    var namespace: String { connection.settings.namespace }
    var gateway: String { connection.settings.gatewayName }
    var gatewayNamespace: String { connection.settings.gatewayNamespace }
    /// The user that the service's ServiceAccount is to the API server.
    var serviceUser: String { "system:serviceaccount:\(namespace):preview-gateway" }

    /// The preview Gateway.
    func previewGateway() async throws -> InspectedGateway {
        try await client.get(InspectedGateway.self, named: gateway, in: gatewayNamespace)
    }
}
