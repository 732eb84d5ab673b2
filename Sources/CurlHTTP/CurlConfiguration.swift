/// How one ``CurlTransport`` reaches its peers; the same for all of its requests.
public struct CurlConfiguration: Sendable {
    /// Which proxy requests go through.
    public enum Proxy: Sendable {
        /// Connect directly, whatever the environment says.
        case none
        /// Follow `https_proxy`, `http_proxy`, `all_proxy` and `no_proxy` as libcurl reads them.
        case environment
        /// Use this proxy for every host: `http://`, `https://` or `socks5://`, credentials allowed.
        case url(String)
    }

    /// Whom to trust and who to be.
    public var tls: TLSConfiguration
    /// Which proxy requests go through.
    public var proxy: Proxy
    /// The longest time for name resolution and the TCP, proxy and TLS handshakes of one connection.
    public var connectTimeout: Duration
    /// For how long nothing may arrive on a connection that has a request to answer. After that no further request is put
    /// onto it, or onto any other connection that was made before; what is under way may still be answered.
    public var maxSilence: Duration
    /// For how long a connection may have been idle to be used again. Whether a connection of a longer rest still works is
    /// not known, so that a new one is made instead. Whole seconds.
    public var maxIdle: Duration
    /// The most connections open at once for requests with an end; further requests wait for one of them.
    ///
    /// Streams (requests without a time-out) have connections of their own and do not count.
    public var maxConnections: Int
    /// The `User-Agent` of requests that do not bring their own.
    public var userAgent: String?
    /// For how long data that was sent, and TCP's probes, may stay unacknowledged before the kernel gives the connection up;
    /// `nil` leaves it to the kernel, which takes a quarter of an hour for data and half a minute for probes.
    ///
    /// Linux applies the limit also to a peer that acknowledges, but does not read: a transport whose peers may let an upload
    /// wait must not have one.
    public var maxUnacknowledged: Duration? = .seconds(10)
    /// The number of unread bytes of one body that pauses its connection.
    public var maxBufferedBytes = 256 * 1_024
    /// The number of bytes that are read from a connection at once. Every exchange under way has a buffer of that size.
    public var receiveBufferBytes = 16 * 1_024

    /// Makes a configuration.
    ///
    /// - Parameters:
    ///   - tls: Whom to trust and who to be.
    ///   - proxy: Which proxy requests go through.
    ///   - connectTimeout: The longest time until a connection is ready for its first request.
    ///   - maxSilence: For how long nothing may arrive on a connection that has a request to answer.
    ///   - maxIdle: For how long a connection may have been idle to be used again, in whole seconds.
    ///   - maxConnections: The most connections open at once for requests with an end.
    ///   - userAgent: The `User-Agent` of requests that do not bring their own.
    public init(
        tls: TLSConfiguration = TLSConfiguration(),
        proxy: Proxy = .none,
        connectTimeout: Duration = .seconds(6),
        maxSilence: Duration = .seconds(3),
        maxIdle: Duration = .seconds(10),
        maxConnections: Int = 32,
        userAgent: String? = nil
    ) {
        self.tls = tls
        self.proxy = proxy
        self.connectTimeout = connectTimeout
        self.maxSilence = maxSilence
        self.maxIdle = maxIdle
        self.maxConnections = maxConnections
        self.userAgent = userAgent
    }
}

extension CurlConfiguration: CustomStringConvertible {
    /// The settings without anything secret: a proxy's URL may hold a password.
    public var description: String {
        "CurlConfiguration(tls: \(tls), connectTimeout: \(connectTimeout), maxConnections: \(maxConnections))"
    }
}

/// Whom a transport trusts and who it is. TLS 1.2 is the oldest version it speaks.
public struct TLSConfiguration: Sendable {
    /// A client certificate with its private key.
    public struct ClientIdentity: Sendable, Hashable {
        /// The certificate, then its intermediates, in PEM.
        public var certificatePEM: [UInt8]
        /// The unencrypted private key in PEM.
        public var privateKeyPEM: [UInt8]

        /// Makes an identity from PEM bytes.
        public init(certificatePEM: [UInt8], privateKeyPEM: [UInt8]) {
            self.certificatePEM = certificatePEM
            self.privateKeyPEM = privateKeyPEM
        }
    }

    /// The only certificate authorities to trust, in PEM; `nil` means the system's.
    public var caPEM: [UInt8]?
    /// Who to be when the peer asks; `nil` means nobody.
    public var clientIdentity: ClientIdentity?
    /// The name to ask for (SNI) and to verify instead of the URL's host.
    public var serverName: String?
    /// True accepts any certificate for any name. The connection is then open to whoever is in between.
    public var insecureSkipVerify: Bool

    /// Makes a configuration; without arguments it trusts the system's authorities.
    ///
    /// - Parameters:
    ///   - caPEM: The only certificate authorities to trust.
    ///   - clientIdentity: Who to be when the peer asks.
    ///   - serverName: The name to ask for and to verify instead of the URL's host.
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
    /// What is set, without the bytes.
    public var description: String {
        """
        TLSConfiguration(ownAuthorities: \(caPEM != nil), clientIdentity: \(clientIdentity != nil), \
        serverName: \(serverName ?? "none"), insecureSkipVerify: \(insecureSkipVerify))
        """
    }
}

extension TLSConfiguration.ClientIdentity: CustomStringConvertible {
    /// A constant: the key is secret.
    public var description: String { "ClientIdentity(redacted)" }
}
