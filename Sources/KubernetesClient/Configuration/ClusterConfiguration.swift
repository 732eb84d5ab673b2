public import Basics

/// How to reach one API server, and as whom.
public struct ClusterConfiguration: Sendable {
    /// The server's URL, perhaps with a path prefix.
    public var server: BaseURL
    /// Who vouches for the server, and what it may call itself.
    public var trust: ServerTrust
    /// A client certificate from the configuration itself; exec plugins may bring another one.
    public var clientCertificate: ClientCertificate?
    public var credential: CredentialSource
    /// The namespace of the kubeconfig's context or of the service account.
    public var defaultNamespace: String

    public init(
        server: BaseURL,
        trust: ServerTrust = ServerTrust(),
        clientCertificate: ClientCertificate? = nil,
        credential: CredentialSource = .none,
        defaultNamespace: String = "default"
    ) {
        self.server = server
        self.trust = trust
        self.clientCertificate = clientCertificate
        self.credential = credential
        self.defaultNamespace = defaultNamespace
    }
}

/// How a server's certificate is judged, and through which proxy it is reached.
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

/// What a transport has to know about TLS. It changes when an exec plugin rotates the client certificate.
public struct TransportSecurity: Hashable, Sendable {
    public var trust: ServerTrust
    public var clientCertificate: ClientCertificate?

    public init(trust: ServerTrust, clientCertificate: ClientCertificate? = nil) {
        self.trust = trust
        self.clientCertificate = clientCertificate
    }
}
