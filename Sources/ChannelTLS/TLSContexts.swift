internal import COpenSSL

/// The authorities that a TLS client trusts, and its protocol versions: TLS 1.2 or newer, HTTP/1.1 only.
///
/// `@unchecked Sendable`: the context is not changed after its creation, and libssl allows threads to share such a context.
public final class TLSClientContext: @unchecked Sendable {
    /// "http/1.1", after its length (RFC 7301, 3.1).
    private static let protocols: [UInt8] = [8] + Array("http/1.1".utf8)

    let pointer: OpaquePointer

    /// - Parameter authoritiesPEM: The only trusted certificate authorities, in PEM; `nil` trusts the system's.
    /// - Throws: ``TLSFailure/unusable(detail:)`` if there is no certificate among the authorities, or one is invalid.
    public init(authoritiesPEM: [UInt8]? = nil) throws(TLSFailure) {
        pointer = try configuredContext(TLS_client_method())
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        // Unlike libssl's other functions, this one returns zero for success.
        guard SSL_CTX_set_alpn_protos(pointer, Self.protocols, UInt32(Self.protocols.count)) == 0 else {
            throw .unusable(detail: lastReason())
        }
        if let authoritiesPEM {
            try trust(authoritiesPEM)
        } else if SSL_CTX_set_default_verify_paths(pointer) != 1 {
            throw .unusable(detail: lastReason())
        }
    }

    deinit { SSL_CTX_free(pointer) }

    private func trust(_ authoritiesPEM: [UInt8]) throws(TLSFailure) {
        let store = SSL_CTX_get_cert_store(pointer)
        var isTrusted = false
        let isComplete = reading(authoritiesPEM) { source in
            while let certificate = PEM_read_bio_X509(source, nil, noPassword, nil) {
                defer { X509_free(certificate) }
                guard X509_STORE_add_cert(store, certificate) == 1 else { return false }
                isTrusted = true
            }
            // Only the end of the text has no further certificate.
            return copenssl_reason(ERR_peek_last_error()) == PEM_R_NO_START_LINE
        }
        guard isTrusted, isComplete == true else { throw .unusable(detail: "authorities: \(lastReason())") }
        ERR_clear_error()
    }
}

/// The certificate and the protocol versions of a TLS server: TLS 1.2 or newer, HTTP/1.1 only.
///
/// `@unchecked Sendable`: the context is not changed after its creation, and libssl allows threads to share such a context.
public final class TLSServerContext: @unchecked Sendable {
    let pointer: OpaquePointer

    /// - Parameters:
    ///   - certificatePEM: The certificate, in PEM.
    ///   - privateKeyPEM: Its private key, in PEM. A secret.
    /// - Throws: ``TLSFailure/unusable(detail:)`` if libssl rejects the certificate or the key.
    public init(certificatePEM: [UInt8], privateKeyPEM: [UInt8]) throws(TLSFailure) {
        pointer = try configuredContext(TLS_server_method())
        let certificate = reading(certificatePEM) { PEM_read_bio_X509($0, nil, noPassword, nil) } ?? nil
        let key = reading(privateKeyPEM) { PEM_read_bio_PrivateKey($0, nil, noPassword, nil) } ?? nil
        // The context holds its own references.
        defer {
            X509_free(certificate)
            EVP_PKEY_free(key)
        }
        guard let certificate, let key, SSL_CTX_use_certificate(pointer, certificate) == 1,
            SSL_CTX_use_PrivateKey(pointer, key) == 1
        else { throw .unusable(detail: "certificate: \(lastReason())") }
        copenssl_select_http1(pointer)
    }

    deinit { SSL_CTX_free(pointer) }
}

private func configuredContext(_ method: OpaquePointer?) throws(TLSFailure) -> OpaquePointer {
    ERR_clear_error()
    guard let pointer = SSL_CTX_new(method) else { throw .unusable(detail: lastReason()) }
    guard copenssl_configure(pointer) == 1 else {
        SSL_CTX_free(pointer)
        throw .unusable(detail: lastReason())
    }
    return pointer
}

/// Calls `read` with the text as libcrypto reads it; `nil` without memory, or if the text is too long.
private func reading<Result>(_ pem: [UInt8], _ read: (OpaquePointer) -> Result) -> Result? {
    guard let count = Int32(exactly: pem.count) else { return nil }
    return pem.withUnsafeBytes { buffer in
        guard let source = BIO_new_mem_buf(buffer.baseAddress, count) else { return nil }
        defer { BIO_free(source) }
        return read(source)
    }
}

/// Returns no password. Without this callback, libcrypto asks for the password of an encrypted text on the terminal.
private func noPassword(_: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?) -> Int32 {
    -1
}
