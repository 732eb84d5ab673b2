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
