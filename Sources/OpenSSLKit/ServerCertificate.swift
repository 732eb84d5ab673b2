internal import COpenSSL

/// What a server's certificate says: for which names it is valid, and when. Nothing is verified.
public struct ServerCertificate: Hashable, Sendable {
    /// The largest PEM text that is read, in bytes.
    public static let maxPEMBytes = 256 * 1024
    /// How long a server may take to present its certificate, in whole seconds.
    public static let handshakeSeconds: Int32 = 5

    /// Whether it is valid for the host that was asked about, wildcards included (RFC 6125).
    public let coversHost: Bool
    /// The first instant of its validity, in seconds since 1970.
    public let notBeforeSeconds: Int64
    /// The last one.
    public let notAfterSeconds: Int64

    public init(coversHost: Bool, notBeforeSeconds: Int64, notAfterSeconds: Int64) {
        self.coversHost = coversHost
        self.notBeforeSeconds = notBeforeSeconds
        self.notAfterSeconds = notAfterSeconds
    }

    /// Reads the first certificate of a PEM text: the server's own, before those of its issuers.
    ///
    /// - Parameter host: The host that ``coversHost`` is about.
    /// - Returns: `nil` where there is none.
    public init?(pem: [UInt8], host: String) {
        guard pem.count <= Self.maxPEMBytes else { return nil }
        let certificate = pem.withUnsafeBytes { buffer -> OpaquePointer? in
            guard let source = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { BIO_free(source) }
            return PEM_read_bio_X509(source, nil, noPassword, nil)
        }
        self.init(owning: certificate, host: host)
    }

    /// Asks a server which certificate it presents for a host. Blocks for ``handshakeSeconds`` at most.
    ///
    /// - Parameters:
    ///   - endpoint: `address:port`, an IPv6 address in brackets.
    ///   - host: The name that the server is asked for, and that ``coversHost`` is about.
    /// - Returns: `nil` where the server cannot be reached in time, or presents none.
    public static func presented(at endpoint: String, host: String) -> ServerCertificate? {
        ServerCertificate(owning: copenssl_presented_certificate(endpoint, host, handshakeSeconds), host: host)
    }

    private init?(owning certificate: OpaquePointer?, host: String) {
        // The queue is per thread and would otherwise blame the next user of libcrypto on this thread.
        defer { ERR_clear_error() }
        guard let certificate else { return nil }
        defer { X509_free(certificate) }
        guard let notBefore = Self.seconds(X509_get0_notBefore(certificate)),
            let notAfter = Self.seconds(X509_get0_notAfter(certificate))
        else { return nil }
        coversHost = X509_check_host(certificate, host, host.utf8.count, 0, nil) == 1
        notBeforeSeconds = notBefore
        notAfterSeconds = notAfter
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
        guard let epoch = ASN1_TIME_set(nil, 0) else { return nil }
        defer { ASN1_STRING_free(epoch) }
        var (days, seconds): (Int32, Int32) = (0, 0)
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 else { return nil }
        return Int64(days) * 86_400 + Int64(seconds)
    }
}
