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
