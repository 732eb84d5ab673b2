internal import COpenSSL

/// The names and the validity period of a server's certificate. The certificate is not verified.
public struct ServerCertificate: Hashable, Sendable {
    /// The maximum size of a PEM text, in bytes.
    public static let maxPEMBytes = 256 * 1024
    /// The time in which a server must present its certificate, in whole seconds.
    public static let handshakeSeconds: Int32 = 5

    /// Whether the certificate is valid for the requested host, including by wildcard (RFC 6125).
    public let coversHost: Bool
    /// The start of the validity period, in seconds since 1970.
    public let notBeforeSeconds: Int64
    /// The end of the validity period, in seconds since 1970.
    public let notAfterSeconds: Int64

    public init(coversHost: Bool, notBeforeSeconds: Int64, notAfterSeconds: Int64) {
        self.coversHost = coversHost
        self.notBeforeSeconds = notBeforeSeconds
        self.notAfterSeconds = notAfterSeconds
    }

    /// Reads the first certificate of a PEM text, which is the server's own.
    ///
    /// - Parameter host: The host to which ``coversHost`` refers.
    /// - Returns: `nil` if the text contains no certificate.
    public init?(pem: [UInt8], host: String) {
        guard pem.count <= Self.maxPEMBytes else { return nil }
        let certificate = pem.withUnsafeBytes { buffer -> OpaquePointer? in
            guard let source = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { BIO_free(source) }
            return PEM_read_bio_X509(source, nil, noPassword, nil)
        }
        self.init(owning: certificate, host: host)
    }

    /// Requests the certificate that a server presents for a host. Blocks for at most ``handshakeSeconds``.
    ///
    /// - Parameters:
    ///   - endpoint: `address:port`; an IPv6 address must be in brackets.
    ///   - host: The server name that is sent (SNI), and to which ``coversHost`` refers.
    /// - Returns: `nil` if the server cannot be reached in time, or presents no certificate.
    public static func presented(at endpoint: String, host: String) -> ServerCertificate? {
        ServerCertificate(owning: copenssl_presented_certificate(endpoint, host, handshakeSeconds), host: host)
    }

    private init?(owning certificate: OpaquePointer?, host: String) {
        // libcrypto's error queue is per thread; an error would otherwise be reported by the next call on this thread.
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
