public import Basics
public import FoundationEssentials

/// The address of an API server, and the credential for it.
public struct ClusterConfiguration: Sendable {
    /// The server's URL, optionally with a path prefix.
    public var server: BaseURL
    /// The authorities that are trusted for the server, and its expected name.
    public var trust: ServerTrust
    /// The file that the authorities were read from, which is re-read; `nil` if they never change.
    public var authoritiesPath: String?
    /// A client certificate from the configuration itself; exec plugins may provide another one.
    public var clientCertificate: ClientCertificate?
    public var credential: CredentialSource
    /// The namespace of the kubeconfig's context or of the service account.
    public var defaultNamespace: String

    public init(
        server: BaseURL,
        trust: ServerTrust = ServerTrust(),
        authoritiesPath: String? = nil,
        clientCertificate: ClientCertificate? = nil,
        credential: CredentialSource = .none,
        defaultNamespace: String = "default"
    ) {
        self.server = server
        self.trust = trust
        self.authoritiesPath = authoritiesPath
        self.clientCertificate = clientCertificate
        self.credential = credential
        self.defaultNamespace = defaultNamespace
    }
}

/// The verification of a server's certificate, and the proxy to the server.
public struct ServerTrust: Hashable, Sendable {
    /// The certification authorities in PEM; `nil` for the system's.
    public var authoritiesPEM: String?
    /// Accepts any certificate. Only for experiments; never the default.
    public var skipsVerification: Bool
    /// The name expected in the certificate instead of the URL's host.
    public var serverName: String?
    /// The HTTP, HTTPS or SOCKS5 proxy to go through.
    public var proxyURL: String?

    public init(
        authoritiesPEM: String? = nil,
        skipsVerification: Bool = false,
        serverName: String? = nil,
        proxyURL: String? = nil
    ) {
        self.authoritiesPEM = authoritiesPEM
        self.skipsVerification = skipsVerification
        self.serverName = serverName
        self.proxyURL = proxyURL
    }
}

/// A certificate chain and its private key, both in PEM.
public struct ClientCertificate: Hashable, Sendable {
    public var certificatePEM: String
    public var keyPEM: Secret

    public init(certificatePEM: String, keyPEM: Secret) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }
}

/// The information that a transport needs about TLS. It changes when an exec plugin rotates the client certificate, and
/// when the file of the authorities changes.
public struct TransportSecurity: Hashable, Sendable {
    public var trust: ServerTrust
    public var clientCertificate: ClientCertificate?

    public init(trust: ServerTrust, clientCertificate: ClientCertificate?) {
        self.trust = trust
        self.clientCertificate = clientCertificate
    }
}

extension ClusterConfiguration {
    /// Finds the cluster in the usual places.
    ///
    /// The order is that of Kubernetes controllers (controller-runtime's `GetConfig`): an explicit file, then
    /// `$KUBECONFIG`, then the service account of the pod, then `~/.kube/config`. kubectl differs in one point: it
    /// prefers `~/.kube/config` to the service account, which in a pod would let a stray file win.
    ///
    /// - Parameters:
    ///   - kubeconfig: An explicit file; only this one is read then.
    ///   - context: The context to use instead of the file's `current-context`. It does not apply to a service account.
    ///   - environment: The process's environment.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` that names the file and the field.
    public static func discover(
        kubeconfig: String? = nil,
        context: String? = nil,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> ClusterConfiguration {
        if let kubeconfig {
            return try Kubeconfig.load(paths: [kubeconfig], mustExist: true).configuration(context: context)
        }
        if let list = environment["KUBECONFIG"], !list.isEmpty {
            let paths = list.split(separator: ":").map(String.init)
            return try Kubeconfig.load(paths: paths, mustExist: false).configuration(context: context)
        }
        if let configuration = try inCluster(environment: environment) {
            return configuration
        }
        guard let home = environment["HOME"], !home.isEmpty else {
            throw KubernetesError(
                .configuration,
                "there is no cluster: KUBECONFIG and HOME are not set, and this is not a pod"
            )
        }
        let path = "\(home)/.kube/config"
        guard FileManager.default.fileExists(atPath: path) else {
            throw KubernetesError(
                .configuration,
                "there is no cluster: KUBECONFIG is not set, this is not a pod, and \(path) does not exist"
            )
        }
        return try Kubeconfig.load(paths: [path], mustExist: true).configuration(context: context)
    }
}

extension ClusterConfiguration {
    /// The location of the service account in a pod.
    static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"
    /// The largest certificate bundle or namespace file accepted.
    static let maxServiceAccountFileBytes = 1024 * 1024

    /// The configuration of a pod: the API server from the environment, the service account from its mounted files.
    ///
    /// The files of the token and of the authorities are re-read, since the kubelet updates them.
    ///
    /// - Parameters:
    ///   - environment: The process's environment, with `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
    ///   - directory: Where the service account is mounted.
    /// - Returns: `nil` outside a pod, that is when the environment names no API server.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration`` when a file is missing.
    public static func inCluster(
        environment: [String: String] = ProcessInfo.processInfo.environment,
        directory: String? = nil
    ) throws -> ClusterConfiguration? {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else { return nil }
        guard let server = try? BaseURL(scheme: "https", host: host, port: port) else {
            throw KubernetesError(
                .configuration,
                "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT do not name a server"
            )
        }
        let directory = directory ?? serviceAccountDirectory
        let authoritiesPath = "\(directory)/ca.crt"
        let authorities = try KubernetesError.readingFile(
            authoritiesPath,
            maxBytes: maxServiceAccountFileBytes,
            field: "the service account's certificate authority"
        )
        let token = "\(directory)/token"
        _ = try KubernetesError.readingFile(
            token,
            maxBytes: CredentialStore.maxTokenBytes,
            field: "the service account's token"
        )
        let namespace = try? KubernetesError.readingFile(
            "\(directory)/namespace",
            maxBytes: maxServiceAccountFileBytes,
            field: "the service account's namespace"
        ).trimmed
        return ClusterConfiguration(
            server: server,
            trust: ServerTrust(authoritiesPEM: authorities),
            authoritiesPath: authoritiesPath,
            credential: .tokenFile(path: token),
            defaultNamespace: namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        )
    }
}

extension KubernetesError {
    /// Reads a file that a cluster's configuration names.
    ///
    /// - Parameter field: The field that names the file, for the error.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/configuration``.
    static func readingFile(_ path: String, maxBytes: Int, field: String) throws -> String {
        do { return try SmallFile.read(path, maxBytes: maxBytes) } catch {
            throw KubernetesError(.configuration, "\(path) (\(field)) \(error)")
        }
    }
}
