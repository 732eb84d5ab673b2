public import Basics

/// The source of a request's credential.
public enum CredentialSource: Sendable {
    /// No credential, except possibly a client certificate.
    case none
    /// A bearer token that never changes.
    case token(Secret)
    /// A bearer token in a file, which is rotated by another process.
    case tokenFile(path: String)
    /// HTTP basic authentication. API servers no longer support it; authenticating proxies in front of them may.
    case basic(username: String, password: Secret)
    /// A program that prints a credential (`client.authentication.k8s.io`).
    case exec(ExecPlugin)
}

/// A program that prints a credential, as a kubeconfig's `exec` section describes it.
public struct ExecPlugin: Sendable {
    /// The absolute path of the program, or a name to look up in `PATH`.
    public var command: String
    public var arguments: [String]
    /// Variables that are added to the environment of this process.
    public var environment: [String: String]
    public var apiVersion: APIVersion
    /// The cluster as the plugin sees it in `KUBERNETES_EXEC_INFO`, if it asked for that.
    public var clusterInfo: ExecClusterInfo?
    /// The kubeconfig's file and user, for error messages.
    public var origin: String

    /// The versions of the protocol.
    public enum APIVersion: String, Sendable, CaseIterable {
        case v1 = "client.authentication.k8s.io/v1"
        case v1beta1 = "client.authentication.k8s.io/v1beta1"
    }

    public init(
        command: String,
        arguments: [String] = [],
        environment: [String: String] = [:],
        apiVersion: APIVersion = .v1,
        clusterInfo: ExecClusterInfo? = nil,
        origin: String
    ) {
        self.command = command
        self.arguments = arguments
        self.environment = environment
        self.apiVersion = apiVersion
        self.clusterInfo = clusterInfo
        self.origin = origin
    }
}

/// The credential of one request.
struct Credential: Hashable, Sendable {
    /// The value of the `Authorization` header field.
    var authorization: Secret?
    /// The certificate for the TLS handshake.
    var clientCertificate: ClientCertificate?
}
