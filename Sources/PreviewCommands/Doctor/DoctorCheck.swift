internal import Basics
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

/// One check of the cluster or the installation.
struct DoctorCheck: Sendable {
    /// The groups of checks, in the order of the report.
    enum Group: String, Sendable, CaseIterable {
        case cluster, resources, gateway, permissions, network, core, previews
    }

    /// The identifier, such as `PG101`. It never changes, because scripts and Docs/Doctor.md refer to it.
    let id: String
    let group: Group
    /// The condition that the check expects to hold.
    let title: String
    /// Whether the check also applies before the service is installed.
    let isPreInstallation: Bool
    /// Whether the check sends requests to the API server.
    let needsCluster: Bool
    /// Performs the check. A thrown error becomes a finding in ``DoctorCommand``.
    let perform: @Sendable (DoctorContext) async throws -> DoctorFinding

    init(
        _ id: String,
        _ group: Group,
        _ title: String,
        pre isPreInstallation: Bool = false,
        needsCluster: Bool = true,
        _ perform: @escaping @Sendable (DoctorContext) async throws -> DoctorFinding
    ) {
        self.id = id
        self.group = group
        self.title = title
        self.isPreInstallation = isPreInstallation
        self.needsCluster = needsCluster
        self.perform = perform
    }

    /// All checks, in the order in which they are performed.
    static let all: [DoctorCheck] =
        clusterChecks + resourceChecks + gatewayChecks + exposureChecks + endedPageChecks + permissionChecks
        + networkChecks + coreChecks + platformChecks + previewChecks
}

/// The result of one check.
struct DoctorFinding: Hashable, Sendable {
    /// The result of a check. Failures and warnings determine the exit status of the command.
    enum Status: String, Sendable, CaseIterable {
        case ok, warning, failure
        /// The check could not be performed, or does not apply.
        case skipped
    }

    let status: Status
    /// What was found, in one line.
    let detail: String
    /// How to correct it, as a command if there is one; `nil` if there is nothing to correct.
    let remedy: String?

    static func ok(_ detail: String) -> DoctorFinding { DoctorFinding(status: .ok, detail: detail, remedy: nil) }
    static func skipped(_ detail: String) -> DoctorFinding {
        DoctorFinding(status: .skipped, detail: detail, remedy: nil)
    }
    static func warning(_ detail: String, remedy: String) -> DoctorFinding {
        DoctorFinding(status: .warning, detail: detail, remedy: remedy)
    }
    static func failure(_ detail: String, remedy: String) -> DoctorFinding {
        DoctorFinding(status: .failure, detail: detail, remedy: remedy)
    }
}

/// The inputs of the checks.
struct DoctorContext: Sendable {
    let connection: ClusterConnection
    /// The address of the platform's core API; `nil` if none is configured.
    let coreAPI: BaseURL?
    /// The service key; `nil` if it is not in the settings given to the command.
    let serviceKey: ServiceKey?
    /// Whether the settings turn the router on.
    let isRouting: Bool
    /// Whether the credentials for the API server are those of the service's own account.
    let isService: Bool
    /// The transport for requests to the core API.
    let platform: any HTTPTransport
    /// Resolves a name to addresses; returns none if it does not resolve.
    let resolve: @Sendable (String) async -> [String]
    let probes: DoctorProbes

    /// Reads the settings that the checks need.
    ///
    /// - Throws: A ``SettingsError`` if a setting or the cluster's configuration is invalid.
    init(
        _ options: SettingsOptions,
        environment: [String: String],
        _ cluster: () throws -> ClusterConfiguration,
        _ platform: any HTTPTransport,
        resolve: @escaping @Sendable (String) async -> [String],
        probes: DoctorProbes
    ) throws {
        let sources = try options.sources(environment: environment)
        var credential = CredentialSource.none
        connection = try ClusterConnection(
            ClusterSettings(sources),
            to: {
                let configuration = try cluster()
                credential = configuration.credential
                return configuration
            }
        )
        coreAPI = try sources.value(of: Settings.Keys.coreAPI)
        serviceKey = try IdentitySettings.serviceKey(of: sources)
        isRouting = try sources.value(of: Settings.Keys.routerEnabled)
        isService = Self.account(of: credential) == Self.serviceUser(in: connection.settings.namespace)
        self.platform = platform
        self.resolve = resolve
        self.probes = probes
    }

    /// Calls a closure with a context that uses this process's environment, resolver and network.
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
    /// The user name that the API server gives to the service's ServiceAccount.
    var serviceUser: String { Self.serviceUser(in: namespace) }

    private static func serviceUser(in namespace: String) -> String {
        "system:serviceaccount:\(namespace):\(ServiceObjects.name)"
    }

    /// The most bytes of a file with a token that are read.
    private static let maxTokenBytes = 64 * 1024

    /// The ServiceAccount that a credential is for; `nil` for another kind of credential.
    private static func account(of credential: CredentialSource) -> String? {
        switch credential {
        case .token(let token): return token.unverifiedSubject
        case .tokenFile(let path):
            let text = try? SmallFile.read(path, maxBytes: maxTokenBytes)
            return text.flatMap { Secret($0.trimmed).unverifiedSubject }
        case .none, .basic, .exec: return nil
        }
    }

    /// The preview Gateway.
    func previewGateway() async throws -> InspectedGateway {
        try await client.get(InspectedGateway.self, named: gateway, in: gatewayNamespace)
    }

    /// The namespace's Deployments, each with the environment variables of its containers.
    func deployments() async throws -> [(
        deployment: InspectedDeployment, environment: [String: InspectedDeployment.Value]
    )] {
        let maps = try await client.list(InspectedConfigMap.self, in: namespace).items
        let named = Dictionary(maps.map { ($0.metadata.name, $0) }) { $1 }
        return try await client.list(InspectedDeployment.self, in: namespace).items
            .map { ($0, $0.environment(named)) }
    }
}

/// The checks' access to anything but the API server and the core API. Tests replace it.
struct DoctorProbes: Sendable {
    var now: @Sendable () -> Date
    /// The certificate that a server presents for a host; `nil` if there is none.
    var presentedCertificate: @Sendable (_ endpoint: String, _ host: String) async -> ServerCertificate?
    /// The metrics page of one of the Gateway's pods.
    var gatewayMetrics:
        @Sendable (_ client: KubernetesClient, _ pod: String, _ namespace: String) async throws -> String

    /// The port of an Istio pod that serves Envoy's metrics together with the Istio agent's own.
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

/// The name resolution of the operating system.
enum SystemResolver {
    /// The numeric addresses of a name; none if it does not resolve. Blocks the calling thread until the resolver returns.
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
