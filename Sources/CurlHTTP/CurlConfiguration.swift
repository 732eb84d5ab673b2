/// The configuration of a ``CurlTransport``; it applies to all of its requests.
public struct CurlConfiguration: Sendable {
    /// The trusted authorities and the client certificate.
    public var tls: TLSConfiguration
    /// The URL of the proxy for every host: `http://`, `https://` or `socks5://`, optionally with credentials. If `nil`,
    /// requests connect directly, whatever the environment contains.
    public var proxy: String?
    /// The longest time for name resolution and the TCP, proxy and TLS handshakes of one connection.
    public var connectTimeout: Duration
    /// The longest time without arriving data on a connection on which a response is due. After it, new requests use neither
    /// this connection nor any older one; requests in progress may still be completed.
    public var maxSilence: Duration
    /// The longest idle time, in whole seconds, after which a connection is reused. A connection that was idle for longer may
    /// be broken, so a new one is made instead.
    public var maxIdle: Duration
    /// The maximum number of open connections for requests with a time-out; further requests wait.
    ///
    /// Streams (requests without a time-out) use separate connections, which are not counted.
    public var maxConnections: Int

    /// Creates a configuration.
    ///
    /// - Parameters:
    ///   - tls: The trusted authorities and the client certificate.
    ///   - proxy: The URL of the proxy that requests use.
    ///   - connectTimeout: The longest time until a connection is ready for its first request.
    ///   - maxSilence: The longest time without arriving data on a connection on which a response is due.
    ///   - maxIdle: The longest idle time after which a connection is reused, in whole seconds.
    ///   - maxConnections: The maximum number of open connections for requests with a time-out.
    public init(
        tls: TLSConfiguration = TLSConfiguration(),
        proxy: String? = nil,
        connectTimeout: Duration = .seconds(6),
        maxSilence: Duration = .seconds(3),
        maxIdle: Duration = .seconds(10),
        maxConnections: Int = 32
    ) {
        self.tls = tls
        self.proxy = proxy
        self.connectTimeout = connectTimeout
        self.maxSilence = maxSilence
        self.maxIdle = maxIdle
        self.maxConnections = maxConnections
    }
}

extension CurlConfiguration: CustomStringConvertible {
    /// The settings without the proxy's URL, which may contain a password.
    public var description: String {
        "CurlConfiguration(tls: \(tls), connectTimeout: \(connectTimeout), maxConnections: \(maxConnections))"
    }
}

/// The trusted authorities and the client certificate of a transport. The oldest accepted version is TLS 1.2.
public struct TLSConfiguration: Sendable {
    /// A client certificate with its private key.
    public struct ClientIdentity: Sendable, Hashable {
        /// The certificate, followed by its intermediates, in PEM.
        public var certificatePEM: [UInt8]
        /// The unencrypted private key, in PEM.
        public var privateKeyPEM: [UInt8]

        /// Creates an identity from PEM bytes.
        public init(certificatePEM: [UInt8], privateKeyPEM: [UInt8]) {
            self.certificatePEM = certificatePEM
            self.privateKeyPEM = privateKeyPEM
        }
    }

    /// The only trusted certificate authorities, in PEM; `nil` trusts the system's.
    public var caPEM: [UInt8]?
    /// The client certificate that is presented when the peer requests one; `nil` presents none.
    public var clientIdentity: ClientIdentity?
    /// The server name that is sent (SNI, RFC 6066) and verified instead of the URL's host.
    public var serverName: String?
    /// True accepts any certificate for any name. Anyone on the network path can then read and change the traffic.
    public var insecureSkipVerify: Bool

    /// Creates a configuration. Without arguments it trusts the system's authorities.
    ///
    /// - Parameters:
    ///   - caPEM: The only trusted certificate authorities, in PEM.
    ///   - clientIdentity: The client certificate that is presented when the peer requests one.
    ///   - serverName: The server name that is sent and verified instead of the URL's host.
    ///   - insecureSkipVerify: True accepts any certificate for any name.
    public init(
        caPEM: [UInt8]? = nil,
        clientIdentity: ClientIdentity? = nil,
        serverName: String? = nil,
        insecureSkipVerify: Bool = false
    ) {
        self.caPEM = caPEM
        self.clientIdentity = clientIdentity
        self.serverName = serverName
        self.insecureSkipVerify = insecureSkipVerify
    }
}

extension TLSConfiguration: CustomStringConvertible {
    /// The options that are set, without certificates and keys.
    public var description: String {
        """
        TLSConfiguration(ownAuthorities: \(caPEM != nil), clientIdentity: \(clientIdentity != nil), \
        serverName: \(serverName ?? "none"), insecureSkipVerify: \(insecureSkipVerify))
        """
    }
}

extension TLSConfiguration.ClientIdentity: CustomStringConvertible {
    /// A constant text, because the key is secret.
    public var description: String { "ClientIdentity(redacted)" }
}
