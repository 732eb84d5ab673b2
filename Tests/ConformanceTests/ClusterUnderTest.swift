import Basics
import CurlHTTP
import Foundation
import HTTPTransport
import KubernetesClient
import KubernetesModel
import TestPeers

/// One API server that the conformance checks run against.
struct ClusterUnderTest: Sendable {
    let client: KubernetesClient
    /// The same server, with an unknown token.
    let stranger: KubernetesClient
    /// Sends raw requests, as `kubectl` and other clients do.
    let raw: BareClient
    /// The token that ``client`` presents.
    let token: String
    /// A namespace that exists, and that contains only what the checks create.
    let namespace: String

    init(kubeconfig path: String, namespace: String) async throws {
        let configuration = try ClusterConfiguration.discover(kubeconfig: path)
        var strange = configuration
        strange.credential = .token(Secret("nobody-has-this-token"))
        guard case .token(let secret) = configuration.credential else {
            throw KubernetesError(.configuration, "the kubeconfig has no token")
        }
        token = secret.value
        raw = try BareClient(kubeconfig: path)
        client = Self.client(configuration)
        stranger = Self.client(strange)
        self.namespace = namespace
        try await create(Namespace(metadata: ObjectMeta(name: namespace)))
    }

    private static func client(_ configuration: ClusterConfiguration) -> KubernetesClient {
        // The checks concern the server's responses, not how soon they come while other tests run.
        KubernetesClient(
            configuration: configuration,
            limits: RequestLimits(attemptTimeout: .seconds(60), totalBudget: .seconds(60))
        ) { try CurlTransport(trust: $0.trust) }
    }

    func create(_ namespace: Namespace) async throws {
        _ = try await client.create(namespace, in: nil)
    }

    /// A Service like that of a preview.
    func service(_ name: String, labels: [String: String] = [:]) -> Service {
        Service(
            metadata: ObjectMeta(name: name, namespace: namespace, labels: labels),
            spec: Service.Spec(
                type: "ClusterIP",
                selector: ["app": "none"],
                ports: [Service.Port(port: 80, targetPort: .number(3000))]
            )
        )
    }
}

/// A namespace. Only these tests create any; the service itself never does.
struct Namespace: KubernetesObject {
    static let resource = APIResource(
        group: "",
        versions: ["v1"],
        plural: "namespaces",
        kind: "Namespace",
        namespaced: false
    )
    var metadata: ObjectMeta
}

/// A kind whose group no server has.
struct Unicorn: KubernetesObject {
    static let resource = APIResource(
        group: "nowhere.example.com",
        versions: ["v1"],
        plural: "unicorns",
        kind: "Unicorn"
    )
    var metadata: ObjectMeta
}
