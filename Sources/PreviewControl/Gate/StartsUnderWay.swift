internal import Synchronization

/// The starts behind the gate that this replica carries out right now, by the names of their uses.
///
/// Whoever waits for the preview of such a start learns of its end at once. What starts of other replicas have made is
/// looked for in the cluster now and then.
final class StartsUnderWay: Sendable {
    private let state = Mutex<[String: [Int: AsyncStream<Void>.Continuation]]>([:])

    func begin(_ use: String) {
        state.withLock { $0[use] = [:] }
    }

    func end(_ use: String) {
        let waiters = state.withLock { $0.removeValue(forKey: use) } ?? [:]
        for waiter in waiters.values { waiter.finish() }
    }

    /// A stream without elements that ends with the start; nil where this replica carries out no such start.
    ///
    /// It is to be taken before one looks for what the start makes, and waited for afterwards.
    func end(of use: String) -> AsyncStream<Void>? {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let id: Int? = state.withLock { starts in
            guard let waiters = starts[use] else { return nil }
            let id = (waiters.keys.max() ?? 0) + 1
            starts[use]?[id] = continuation
            return id
        }
        guard let id else { return nil }
        continuation.onTermination = { [weak self] _ in self?.forget(id, of: use) }
        return stream
    }

    private func forget(_ id: Int, of use: String) {
        state.withLock { $0[use]?[id] = nil }
    }
}
