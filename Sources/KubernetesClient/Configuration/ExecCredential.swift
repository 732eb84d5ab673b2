public import Basics
public import KubernetesModel

/// The cluster that an exec plugin is told about (`client.authentication.k8s.io` `Cluster`).
public struct ExecClusterInfo: Codable, Hashable, Sendable {
    public var server: String
    public var tlsServerName: String?
    public var insecureSkipTLSVerify: Bool?
    /// The certification authorities in PEM, base64.
    public var certificateAuthorityData: String?
    public var proxyURL: String?
    /// The cluster's extension named `client.authentication.k8s.io/exec`.
    public var config: JSONValue?

    private enum CodingKeys: String, CodingKey {
        case server, config
        case tlsServerName = "tls-server-name"
        case insecureSkipTLSVerify = "insecure-skip-tls-verify"
        case certificateAuthorityData = "certificate-authority-data"
        case proxyURL = "proxy-url"
    }
}

/// The document that an exec plugin gets in `KUBERNETES_EXEC_INFO`.
struct ExecCredentialRequest: Encodable {
    struct Spec: Encodable {
        /// Always false: a service has no terminal to ask its user.
        let interactive = false
        let cluster: ExecClusterInfo?
    }

    let apiVersion: String
    let kind = "ExecCredential"
    let spec: Spec

    init(plugin: ExecPlugin) {
        apiVersion = plugin.apiVersion.rawValue
        spec = Spec(cluster: plugin.clusterInfo)
    }
}

/// The document that an exec plugin prints.
struct ExecCredentialAnswer: Decodable {
    struct Status: Decodable {
        let token: String?
        let clientCertificateData: String?
        let clientKeyData: String?
        let expirationTimestamp: String?
    }

    let apiVersion: String
    let kind: String
    let status: Status?
}
