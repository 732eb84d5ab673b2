internal import Synchronization

/// How many of something may be under way at once.
public final class ConcurrencyLimit: Sendable {
    public let limit: Int
    private let count = Mutex(0)

    public init(_ limit: Int) {
        self.limit = limit
    }

    /// - Returns: False when as many are under way already. If true, ``leave()`` has to follow.
    public func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    public func leave() {
        count.withLock { $0 -= 1 }
    }
}
