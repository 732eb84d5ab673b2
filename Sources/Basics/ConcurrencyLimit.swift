import Synchronization

/// A limit for concurrent operations.
public final class ConcurrencyLimit: Sendable {
    private let limit: Int
    private let current = Mutex(0)

    public init(_ limit: Int) {
        self.limit = limit
    }

    /// The number of operations in progress.
    public var count: Int { current.withLock(\.self) }

    /// - Returns: False if the limit is reached. If true, ``release()`` has to follow.
    public func acquire() -> Bool {
        current.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    public func release() {
        current.withLock { $0 -= 1 }
    }
}
