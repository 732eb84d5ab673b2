import COpenSSL

/// One-shot message digests of libcrypto.
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
            // Fails only when libcrypto lacks SHA-256 or memory: neither can be answered by any caller, and a
            // wrong digest would make two runs look like one.
            precondition(result != nil, "libcrypto cannot compute SHA-256")
            initializedCount = Int(SHA256_DIGEST_LENGTH)
        }
    }
}

/// Whether two byte strings are equal, in a time that tells nothing about where they differ.
///
/// The SHA-256 digests are compared (`CRYPTO_memcmp`), so strings of unequal length take the same path and a caller
/// who controls one side does not control what is compared. The time depends on the two lengths only.
///
/// - Parameters:
///   - a: One byte string, for example the secret.
///   - b: The other, for example what a caller presented.
public func constantTimeEquals(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    let first = Digest.sha256(a)
    let second = Digest.sha256(b)
    return CRYPTO_memcmp(first, second, first.count) == 0
}
