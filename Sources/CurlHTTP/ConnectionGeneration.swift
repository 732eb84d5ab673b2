import Synchronization

/// Which of a transport's connections take new requests: those of the current generation.
///
/// The loops of a transport share one. When a connection of any of them falls silent, the next generation begins, because
/// what happened to that connection may have happened to all that are as old.
final class ConnectionGeneration: Sendable {
    private let number = Atomic(0)

    var current: Int { number.load(ordering: .relaxed) }

    /// Begins the next generation, unless `generation` is no longer the current one.
    func end(_ generation: Int) {
        _ = number.compareExchange(expected: generation, desired: generation + 1, ordering: .relaxed)
    }
}
