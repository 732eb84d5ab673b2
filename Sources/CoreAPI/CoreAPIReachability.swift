/// Whether the core API can be reached, as requests show it: a value without a clock of its own.
///
/// One request that fails may be the request's fault, or chance; several in a row are the core API's.
public struct CoreAPIReachability: Hashable, Sendable {
    /// A change that somebody should hear of.
    public enum Change: Hashable, Sendable {
        case lost
        /// - Parameters:
        ///   - after: The time since the first of the requests that failed.
        ///   - failures: How many failed.
        case regained(after: Duration, failures: Int)
    }

    /// How many requests in a row have to fail.
    public static let failuresUntilLost = 3

    /// Whether an answer is that of something before the core API which did not reach it, or of one that is not ready.
    public static func meansUnreachable(_ status: Int) -> Bool { (502...504).contains(status) }

    private var failures = 0
    private var firstFailure = Duration.zero

    public init() {}

    /// Takes the outcome of one request.
    ///
    /// - Parameter now: The time since some fixed instant.
    public mutating func note(isReachable: Bool, at now: Duration) -> Change? {
        guard !isReachable else {
            defer { failures = 0 }
            return failures >= Self.failuresUntilLost ? .regained(after: now - firstFailure, failures: failures) : nil
        }
        if failures == 0 { firstFailure = now }
        failures += 1
        return failures == Self.failuresUntilLost ? .lost : nil
    }
}
