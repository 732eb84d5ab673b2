import COpenSSL

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
