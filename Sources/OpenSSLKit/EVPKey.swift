import COpenSSL

/// A public key of libcrypto.
///
/// `@unchecked Sendable`: the key is not changed after its creation, and libcrypto allows threads to share such a key
/// (openssl-threads(7)).
final class EVPKey: @unchecked Sendable {
    private let pointer: OpaquePointer

    /// - Parameter pointer: An `EVP_PKEY`. This object takes ownership of it.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// The only algorithm for which the key may be used.
    ///
    /// - Throws: ``PublicKeyError/unsupported`` if the key has another type, size or curve than the accepted ones, or invalid
    ///   numbers.
    func algorithm() throws(PublicKeyError) -> PublicKey.Algorithm {
        defer { ERR_clear_error() }
        switch EVP_PKEY_get_base_id(pointer) {
        case NID_rsaEncryption where PublicKey.rsaBits.contains(Int(EVP_PKEY_get_bits(pointer))) && hasUsableParameters:
            return .rs256
        case NID_X9_62_id_ecPublicKey where groupName == "prime256v1" && isOnCurve:
            return .es256
        default:
            throw .unsupported
        }
    }

    /// Whether `signature`, in libcrypto's encoding, is a valid signature of the SHA-256 digest of `message`.
    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            // libcrypto's error queue is per thread; an error would otherwise be reported by the next call on this thread.
            ERR_clear_error()
        }
        // The default padding of RSA keys is PKCS #1 v1.5, which RS256 requires.
        guard EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, pointer) == 1 else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    func isSame(as other: EVPKey) -> Bool { EVP_PKEY_eq(pointer, other.pointer) == 1 }

    // MARK: RSA

    /// Whether the modulus is odd, and the exponent is odd, greater than 1 and short enough for fast verification.
    private var hasUsableParameters: Bool {
        number(OSSL_PKEY_PARAM_RSA_N) { BN_is_odd($0) == 1 }
            && number(OSSL_PKEY_PARAM_RSA_E) { exponent in
                BN_is_odd(exponent) == 1 && BN_is_one(exponent) == 0
                    && BN_num_bits(exponent) <= 8 * PublicKey.maxExponentBytes
            }
    }

    private func number(_ name: String, satisfies isUsable: (OpaquePointer) -> Bool) -> Bool {
        var number: OpaquePointer?
        guard EVP_PKEY_get_bn_param(pointer, name, &number) == 1, let number else { return false }
        defer { BN_free(number) }
        return isUsable(number)
    }

    // MARK: P-256

    private var groupName: String? {
        var name = [UInt8](repeating: 0, count: 64)
        var length = 0
        let isKnown = name.withUnsafeMutableBytes { buffer in
            EVP_PKEY_get_group_name(pointer, buffer.baseAddress, buffer.count, &length) == 1
        }
        return isKnown ? String(decoding: name.prefix(length), as: UTF8.self) : nil
    }

    private var isOnCurve: Bool {
        guard let context = EVP_PKEY_CTX_new(pointer, nil) else { return false }
        defer { EVP_PKEY_CTX_free(context) }
        return EVP_PKEY_public_check(context) == 1
    }
}
