import COpenSSL

/// Message digests of libcrypto.
public enum Digest {
    /// The SHA-256 digest (FIPS 180-4) of some bytes.
    ///
    /// - Parameter bytes: The message; may be empty.
    /// - Returns: 32 bytes.
    public static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
        if let digest = bytes.withContiguousStorageIfAvailable({ sha256(contiguous: $0) }) { return digest }
        return Array(bytes).withUnsafeBufferPointer { sha256(contiguous: $0) }
    }

    /// The SHA-256 digest of some bytes as 64 lowercase hexadecimal digits.
    ///
    /// - Parameter bytes: The message; may be empty.
    public static func sha256Hex(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var hex: [UInt8] = []
        hex.reserveCapacity(2 * Int(SHA256_DIGEST_LENGTH))
        for byte in sha256(bytes) {
            hex.append(digits[Int(byte >> 4)])
            hex.append(digits[Int(byte & 0x0F)])
        }
        return String(decoding: hex, as: UTF8.self)
    }

    private static func sha256(contiguous bytes: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: Int(SHA256_DIGEST_LENGTH)) { digest, initializedCount in
            digest.initialize(repeating: 0)
            let result = SHA256(bytes.baseAddress, bytes.count, digest.baseAddress)
            // This fails only if libcrypto lacks SHA-256 or memory. No caller could handle that, and a wrong digest could give
            // two runs the same label.
            precondition(result != nil, "libcrypto cannot compute SHA-256")
            initializedCount = Int(SHA256_DIGEST_LENGTH)
        }
    }
}

/// Whether two byte strings are equal, compared in a time that does not depend on the position of a difference.
///
/// The SHA-256 digests are compared (`CRYPTO_memcmp`), so strings of different lengths are compared in the same way, and a
/// caller who chooses one string cannot choose the compared bytes. The time depends only on the two lengths.
///
/// - Parameters:
///   - a: A byte string, for example the secret.
///   - b: The other byte string, for example the presented credential.
public func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    let first = Digest.sha256(a)
    let second = Digest.sha256(b)
    return CRYPTO_memcmp(first, second, first.count) == 0
}
