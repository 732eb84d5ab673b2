import COpenSSL
import DevelopmentCertificates

/// The certificate and the protocol versions of a TLS server: TLS 1.2 or newer, HTTP/1.1 only.
///
/// `@unchecked Sendable`: the context is not changed after its creation, and libssl allows threads to share such a context.
final class TLSServerContext: @unchecked Sendable {
    /// libssl rejected the certificate or its key.
    struct Unusable: Error {}

    let pointer: OpaquePointer

    init(_ identity: CertificateAuthority.Identity) throws(Unusable) {
        guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw Unusable() }
        self.pointer = pointer
        let certificate = Self.reading(identity.certificatePEM) { PEM_read_bio_X509($0, nil, nil, nil) }
        let key = Self.reading(identity.privateKeyPEM) { PEM_read_bio_PrivateKey($0, nil, nil, nil) }
        // The context holds its own references.
        defer {
            X509_free(certificate)
            EVP_PKEY_free(key)
        }
        guard copenssl_set_minimum_tls12(pointer) == 1, SSL_CTX_use_certificate(pointer, certificate) == 1,
            SSL_CTX_use_PrivateKey(pointer, key) == 1
        else { throw Unusable() }
        copenssl_select_http1(pointer)
    }

    deinit { SSL_CTX_free(pointer) }

    private static func reading(_ pem: String, _ read: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
        let bytes = Array(pem.utf8)
        return bytes.withUnsafeBytes { buffer in
            guard let source = BIO_new_mem_buf(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { BIO_free(source) }
            return read(source)
        }
    }
}
