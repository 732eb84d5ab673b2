/// Whether the core API can be reached, derived from requests: a value without a clock of its own.
///
/// A single failure may be due to the request, or to chance; several in a row are due to the core API.
public struct CoreAPIReachability: Hashable, Sendable {
    /// A change that has to be reported.
    public enum Change: Hashable, Sendable {
        case lost
        /// - Parameters:
        ///   - after: The time since the first failed request.
        ///   - failures: The number of failed requests.
        case regained(after: Duration, failures: Int)
    }

    /// The number of consecutive failures.
    public static let failuresUntilLost = 3

    /// Whether a response comes from a component in front of the core API that did not reach it, or from one that is
    /// not ready.
    public static func meansUnreachable(_ status: Int) -> Bool { (502...504).contains(status) }

    private var failures = 0
    private var firstFailure = Duration.zero

    public init() {}

    /// Records the result of one request.
    ///
    /// - Parameter now: The time since some fixed instant.
    public mutating func record(isReachable: Bool, at now: Duration) -> Change? {
        guard !isReachable else {
            defer { failures = 0 }
            return failures >= Self.failuresUntilLost ? .regained(after: now - firstFailure, failures: failures) : nil
        }
        if failures == 0 { firstFailure = now }
        failures += 1
        return failures == Self.failuresUntilLost ? .lost : nil
    }
}
