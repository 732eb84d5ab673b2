internal import COpenSSL

/// A private key of libcrypto that exists only in this process, for the development cluster and for tests.
///
/// `@unchecked Sendable`: the key is not changed after its creation, and libcrypto allows threads to share such a key
/// (openssl-threads(7)).
public final class PrivateKey: @unchecked Sendable {
    /// The type of a key. `p384` and `rsa(bits: 1024)` exist for tests of keys that are rejected.
    public enum Kind: Sendable {
        case p256
        case p384
        case rsa(bits: UInt32)
    }

    let pointer: OpaquePointer
    private let kind: Kind

    /// Creates a new key.
    public init(_ kind: Kind = .p256) {
        self.kind = kind
        let pointer =
            switch kind {
            case .p256: copenssl_generate_ec("P-256")
            case .p384: copenssl_generate_ec("P-384")
            case .rsa(let bits): copenssl_generate_rsa(bits)
            }
        // This fails only without memory or randomness.
        guard let pointer else { preconditionFailure("libcrypto cannot create a key") }
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// The public key, in PEM (SubjectPublicKeyInfo, RFC 7468 section 13).
    public var publicKeyPEM: String {
        pem { PEM_write_bio_PUBKEY($0, pointer) }
    }

    /// The private key, in PEM (PKCS #8, RFC 7468 section 10). A secret.
    public var privateKeyPEM: String {
        pem { PEM_write_bio_PKCS8PrivateKey($0, pointer, nil, nil, 0, nil, nil) }
    }

    /// The two coordinates of a P-256 key's public point, 32 bytes each.
    public var point: (x: [UInt8], y: [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: 65)
        var count = 0
        let isRead = EVP_PKEY_get_octet_string_param(pointer, OSSL_PKEY_PARAM_PUB_KEY, &bytes, bytes.count, &count)
        // 4 marks an uncompressed point (SEC 1, 2.3.3).
        precondition(isRead == 1 && count == bytes.count && bytes[0] == 4, "only a P-256 key has such a point")
        return (Array(bytes[1...32]), Array(bytes[33...]))
    }

    /// Signs the SHA-256 digest of a message as RS256 and ES256 require (RFC 7518 sections 3.3 and 3.4). For ES256 the
    /// signature consists of r and s, 32 bytes each.
    public func signature(of message: some Sequence<UInt8>) -> [UInt8] {
        let message = Array(message)
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("libcrypto cannot sign") }
        defer { EVP_MD_CTX_free(context) }
        var signature = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(pointer)))
        var count = signature.count
        let isSigned =
            EVP_DigestSignInit(context, nil, EVP_sha256(), nil, pointer) == 1
            && EVP_DigestSign(context, &signature, &count, message, message.count) == 1
        precondition(isSigned, "libcrypto cannot sign")
        signature.removeLast(signature.count - count)
        if case .rsa = kind { return signature }
        return concatenated(signature)
    }

    /// Converts an ECDSA signature from DER to its two numbers, one after the other.
    private func concatenated(_ signature: [UInt8]) -> [UInt8] {
        let pair = signature.withUnsafeBufferPointer { bytes in
            var cursor = bytes.baseAddress
            return d2i_ECDSA_SIG(nil, &cursor, bytes.count)
        }
        guard let pair else { preconditionFailure("libcrypto cannot read its own signature") }
        defer { ECDSA_SIG_free(pair) }
        return [ECDSA_SIG_get0_r(pair), ECDSA_SIG_get0_s(pair)].flatMap { number in
            var bytes = [UInt8](repeating: 0, count: 32)
            precondition(BN_bn2binpad(number, &bytes, 32) == 32, "only a P-256 key signs with numbers of 32 bytes")
            return bytes
        }
    }
}

/// The PEM text that `write` writes.
func pem(_ write: (OpaquePointer) -> Int32) -> String {
    guard let bio = BIO_new(BIO_s_mem()) else { preconditionFailure("libcrypto cannot write PEM") }
    defer { BIO_free(bio) }
    var data: UnsafeMutablePointer<CChar>?
    guard write(bio) == 1, case let count = copenssl_memory(bio, &data), let data else {
        preconditionFailure("libcrypto cannot write PEM")
    }
    return data.withMemoryRebound(to: UInt8.self, capacity: count) {
        String(decoding: UnsafeBufferPointer(start: $0, count: count), as: UTF8.self)
    }
}
