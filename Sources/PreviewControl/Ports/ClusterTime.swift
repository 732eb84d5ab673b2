public import FoundationEssentials

/// The API server's clock, as far as this replica knows it.
public protocol ClusterTime: Sendable {
    /// The present instant on the API server's clock, or `nil` while it cannot be known.
    func reading() -> ClusterTimeReading?
}

/// An instant that is known to lie between two bounds.
public struct ClusterTimeReading: Hashable, Sendable {
    /// The server's clock shows at least this. Whatever must not happen early is decided on it.
    public let earliest: Date
    /// The server's clock shows at most this. Whatever is promised to last is counted from it.
    public let latest: Date

    public init(earliest: Date, latest: Date) {
        self.earliest = earliest
        self.latest = latest
    }
}
