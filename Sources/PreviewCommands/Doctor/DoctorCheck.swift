internal import Basics
internal import CoreAPI
internal import CurlHTTP
internal import FoundationEssentials
internal import HTTPTransport
internal import KubernetesClient
internal import KubernetesModel
internal import OpenSSLKit
internal import PreviewIdentity

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// One thing that is looked at.
struct DoctorCheck: Sendable {
    enum Group: String, Sendable, CaseIterable {
        case cluster, resources, gateway, permissions, network, core, previews
    }

    /// Stable: scripts and Docs/Doctor.md name it.
    let id: String
    let group: Group
    /// What is to be so.
    let title: String
    /// Whether it makes sense before the service is installed.
    let isPreInstallation: Bool
    let look: @Sendable (DoctorContext) async throws -> DoctorFinding

    init(
        _ id: String,
        _ group: Group,
        _ title: String,
        pre isPreInstallation: Bool = false,
        _ look: @escaping @Sendable (DoctorContext) async throws -> DoctorFinding
    ) {
        self.id = id
        self.group = group
        self.title = title
        self.isPreInstallation = isPreInstallation
        self.look = look
    }

    /// All checks, in the order in which they are made.
    static let all: [DoctorCheck] =
        clusterChecks + resourceChecks + gatewayChecks + exposureChecks + endedPageChecks + permissionChecks
        + networkChecks + coreChecks + platformChecks + previewChecks
}

/// What one check found.
struct DoctorFinding: Hashable, Sendable {
    enum Status: String, Sendable, CaseIterable {
        case ok, warning, failure
        /// It could not be looked at, or does not apply.
        case skipped
    }

    let status: Status
    /// What is so, in one line.
    let detail: String
    /// What mends it: a command where there is one.
    let mend: String?

    static func ok(_ detail: String) -> DoctorFinding { DoctorFinding(status: .ok, detail: detail, mend: nil) }
    static func skipped(_ detail: String) -> DoctorFinding {
        DoctorFinding(status: .skipped, detail: detail, mend: nil)
    }
    static func warning(_ detail: String, mend: String) -> DoctorFinding {
        DoctorFinding(status: .warning, detail: detail, mend: mend)
    }
    static func failure(_ detail: String, mend: String) -> DoctorFinding {
        DoctorFinding(status: .failure, detail: detail, mend: mend)
    }
}

/// What the checks look at.
struct DoctorContext: Sendable {
    let connection: ClusterConnection
    /// Where the platform's core API is; `nil` without one.
    let coreAPI: BaseURL?
    /// The service key, where it is known here.
    let serviceKey: ServiceKey?
    /// Whether the settings have the service pass on what is the core API's.
    let isRouting: Bool
    /// Whether the kubeconfig is the service account of the pod that this runs in.
    let isService: Bool
    /// Reaches the core API.
    let platform: any HTTPTransport
    /// The addresses of a name; none where it does not resolve.
    let resolve: @Sendable (String) async -> [String]
    let probes: DoctorProbes

    /// Reads what the checks need of the settings.
    ///
    /// - Throws: A ``SettingsError`` with the one line that says which setting is wrong.
    init(
        _ options: SettingsOptions,
        environment: [String: String],
        _ cluster: () throws -> ClusterConfiguration,
        _ platform: any HTTPTransport,
        resolve: @escaping @Sendable (String) async -> [String],
        probes: DoctorProbes
    ) throws {
        let sources = try options.sources(environment: environment)
        connection = try ClusterConnection(ClusterSettings(sources), to: cluster)
        coreAPI = try sources.value(of: Settings.Keys.coreAPI)
        serviceKey = try IdentitySettings.serviceKey(of: sources)
        isRouting = try sources.value(of: Settings.Keys.routerEnabled, default: false)
        isService = environment["KUBECONFIG"]?.isEmpty != false && environment["KUBERNETES_SERVICE_HOST"] != nil
        self.platform = platform
        self.resolve = resolve
        self.probes = probes
    }

    /// Looks from this process.
    static func withProcess<Result: Sendable>(
        _ options: SettingsOptions,
        _ body: (DoctorContext) async throws -> Result
    ) async throws -> Result {
        let platform = try CurlTransport(configuration: .platform)
        let result: Swift.Result<Result, any Error>
        do {
            let context = try DoctorContext(
                options,
                environment: ProcessInfo.processInfo.environment,
                { try .discover() },
                platform,
                resolve: { SystemResolver.addresses(of: $0) },
                probes: .system
            )
            result = .success(try await body(context))
        } catch {
            result = .failure(error)
        }
        await platform.shutdown()
        return try result.get()
    }

    var client: KubernetesClient { connection.client }
    var namespace: String { connection.settings.namespace }
    var gateway: String { connection.settings.gatewayName }
    var gatewayNamespace: String { connection.settings.gatewayNamespace }
    /// The user that the service's ServiceAccount is to the API server.
    var serviceUser: String { "system:serviceaccount:\(namespace):\(ServiceObjects.name)" }

    /// The preview Gateway.
    func previewGateway() async throws -> InspectedGateway {
        try await client.get(InspectedGateway.self, named: gateway, in: gatewayNamespace)
    }

    /// The namespace's Deployments, each with the environment that its containers get.
    func deployments() async throws -> [(deployment: InspectedDeployment, environment: [String: String])] {
        let maps = try await client.list(InspectedConfigMap.self, in: namespace).items
        let named = Dictionary(maps.map { ($0.metadata.name, $0) }) { $1 }
        return try await client.list(InspectedDeployment.self, in: namespace).items
            .map { ($0, $0.environment(named)) }
    }
}

/// What the checks look at beside the API server: the process in production, and whatever a test wants.
struct DoctorProbes: Sendable {
    var now: @Sendable () -> Date
    /// The certificate that a server presents for a host; `nil` where there is none.
    var presentedCertificate: @Sendable (_ endpoint: String, _ host: String) async -> ServerCertificate?
    /// The page with the metrics of one of the Gateway's pods.
    var gatewayMetrics:
        @Sendable (_ client: KubernetesClient, _ pod: String, _ namespace: String) async throws -> String

    /// Where Envoy's metrics are in a pod of Istio: the agent's port, with the agent's own.
    private static let istioPort = 15020
    private static let istioPath = "/stats/prometheus"

    static let system = DoctorProbes(
        now: { Date() },
        presentedCertificate: { ServerCertificate.presented(at: $0, host: $1) },
        gatewayMetrics: { client, pod, namespace in
            try await client.page(ofPod: pod, in: namespace, port: istioPort, path: istioPath)
        }
    )
}

/// The name resolution of this machine.
enum SystemResolver {
    /// The addresses of a name as text; none where it does not resolve. Blocks for as long as the resolver takes.
    static func addresses(of name: String) -> [String] {
        var result: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(name, nil, nil, &result) == 0 else { return [] }
        defer { freeaddrinfo(result) }
        var addresses: [String] = []
        var next = result
        while let entry = next {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let length = socklen_t(text.count)
            if getnameinfo(entry.pointee.ai_addr, entry.pointee.ai_addrlen, &text, length, nil, 0, NI_NUMERICHOST) == 0
            {
                let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                if !addresses.contains(address) { addresses.append(address) }
            }
            next = entry.pointee.ai_next
        }
        return addresses
    }
}
