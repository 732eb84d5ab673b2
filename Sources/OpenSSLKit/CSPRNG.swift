import COpenSSL

/// The cryptographically secure random generator of libcrypto (`RAND_bytes`).
public enum CSPRNG {
    /// How many bytes one call may ask for.
    ///
    /// Tokens and keys need tens of bytes; a larger count is a mistake of the caller.
    public static let countRange = 1...65_536

    /// Draws random bytes.
    ///
    /// - Parameter count: How many bytes, within `countRange`.
    /// - Returns: Exactly `count` bytes.
    /// - Throws: `RandomnessError` when the count is out of range or the generator fails. There is no fallback.
    public static func bytes(_ count: Int) throws(RandomnessError) -> [UInt8] {
        try bytes(count) { RAND_bytes($0, $1) }
    }

    /// Draws random bytes with a given filler, so that a failing generator can be tested.
    ///
    /// - Parameter fill: Has the meaning of `RAND_bytes`: 1 is success, everything else (0, or -1 for "not supported")
    ///   is failure.
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
            // The queue is per thread and would otherwise blame the next user of libcrypto on this thread.
            ERR_clear_error()
            throw .generatorFailed(code: UInt(code))
        }
        return bytes
    }
}

/// Why no random bytes were handed out.
///
/// Whoever needed them must fail too: there is no second source.
public enum RandomnessError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The caller asked for a number of bytes outside `CSPRNG.countRange`.
    case countOutOfRange(Int)
    /// libcrypto's generator failed; `code` is its error code, 0 when it gave none.
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
