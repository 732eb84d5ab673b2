/// Runs a controller: whenever an object of some kinds changes, the whole is looked at again.
///
/// Changes that arrive during one round lead to one more round, however many there are.
struct ReconcileLoop: Sendable {
    let store: ObjectStore
    let kinds: [ResourceKind]

    /// Runs `reconcile` once, and then after every change, until the task is cancelled.
    ///
    /// - Throws: What `reconcile` threw, except for a ``StatusFailure``: an object went or changed between reading and
    ///   writing, and that change leads to the next round.
    func run(_ reconcile: @escaping @Sendable () async throws -> Void) async throws {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal.yield()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for kind in kinds {
                group.addTask {
                    // A reader that is cut off for being slow starts over: a round looks at everything anyway.
                    while !Task.isCancelled {
                        for await _ in store.changes(of: kind) { signal.yield() }
                    }
                }
            }
            group.addTask {
                for await _ in signals {
                    do {
                        try await reconcile()
                    } catch is StatusFailure {
                        continue
                    }
                }
            }
            defer { group.cancelAll() }
            for try await _ in group {}
        }
    }
}
