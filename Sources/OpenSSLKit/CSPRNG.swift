import COpenSSL

/// The cryptographically secure pseudorandom number generator of libcrypto (`RAND_bytes`).
public enum CSPRNG {
    /// The number of bytes that one call may generate. Tokens and keys need tens of bytes, so a larger number is an error of
    /// the caller.
    public static let countRange = 1...65_536

    /// Generates random bytes.
    ///
    /// - Parameter count: The number of bytes, within ``countRange``.
    /// - Returns: Exactly `count` bytes.
    /// - Throws: ``RandomnessError`` if the count is out of range or the generator fails. There is no fallback.
    public static func bytes(_ count: Int) throws(RandomnessError) -> [UInt8] {
        try bytes(count) { RAND_bytes($0, $1) }
    }

    /// Generates random bytes with a given function, so that a failing generator can be tested.
    ///
    /// - Parameter fill: A function like `RAND_bytes`, which returns 1 for success. Any other result (0, or -1 for "not
    ///   supported") is a failure.
    static func bytes(
        _ count: Int,
        fill: (_ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int32) -> Int32
    ) throws(RandomnessError) -> [UInt8] {
        guard countRange.contains(count) else { throw .countOutOfRange(count) }
        var status: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            buffer.initialize(repeating: 0)
            status = fill(buffer.baseAddress, Int32(count))
            initializedCount = count
        }
        guard status == 1 else {
            let code = ERR_peek_last_error()
            // libcrypto's error queue is per thread; the error would otherwise be reported by the next call on this thread.
            ERR_clear_error()
            throw .generatorFailed(code: UInt(code))
        }
        return bytes
    }
}

/// The reason for which no random bytes were generated. There is no other source, so the caller must fail too.
public enum RandomnessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The number of bytes is outside ``CSPRNG/countRange``.
    case countOutOfRange(Int)
    /// libcrypto's generator failed; `code` is libcrypto's error code, or 0 if there is none.
    case generatorFailed(code: UInt)

    /// One sentence for a log line.
    public var description: String {
        switch self {
        case .countOutOfRange(let count):
            "cannot draw \(count) random bytes at once: the count must be between "
                + "\(CSPRNG.countRange.lowerBound) and \(CSPRNG.countRange.upperBound)"
        case .generatorFailed(let code):
            "the random generator of libcrypto failed (error code \(code))"
        }
    }
}
