internal import Basics
public import FoundationEssentials

extension ClusterConfiguration {
    /// Where a pod finds its service account.
    static let serviceAccountDirectory = "/var/run/secrets/kubernetes.io/serviceaccount"
    /// The largest certificate bundle or namespace file accepted.
    static let maxServiceAccountFileBytes = 1024 * 1024

    /// The configuration of a pod: the API server from the environment, the service account from its mounted files.
    ///
    /// The token's file is re-read, since the kubelet rotates it.
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
        let authorities = try KubernetesError.readingFile(
            "\(directory)/ca.crt",
            maxBytes: maxServiceAccountFileBytes,
            field: "the service account's certification authority"
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
            credential: .tokenFile(path: token),
            defaultNamespace: namespace.flatMap { $0.isEmpty ? nil : $0 } ?? "default"
        )
    }
}
