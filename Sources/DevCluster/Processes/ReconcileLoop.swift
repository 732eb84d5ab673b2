/// Runs a controller: it reconciles all objects whenever an object of some kinds changes.
///
/// All changes during one call of `reconcile` lead to one further call.
struct ReconcileLoop: Sendable {
    let store: ObjectStore
    let kinds: [ResourceKind]

    /// Calls `reconcile` once, and then after every change, until the task is cancelled.
    ///
    /// - Throws: The error of `reconcile`, unless it is a ``StatusFailure``: an object was changed or deleted between reading
    ///   and writing, and that change leads to the next call.
    func run(_ reconcile: @escaping @Sendable () async throws -> Void) async throws {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        signal.yield()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for kind in kinds {
                group.addTask {
                    // If the sequence ends because this reader was too slow, it starts again. No change is lost, because
                    // `reconcile` reads all objects.
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
