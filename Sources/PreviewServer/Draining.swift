public import ServiceLifecycle
internal import Synchronization

/// Says whether this replica is about to stop: readiness goes first, so that no new callers are sent here.
///
/// It is a service to be listed last, since services are shut down in reverse order, one after the other. Requests that
/// are under way learn of the shutdown on their own (`cancelWhenGracefulShutdown`).
public final class Draining: Service {
    private let begun = Atomic(false)

    public init() {}

    /// True from the moment of the signal to stop.
    public var hasBegun: Bool { begun.load(ordering: .relaxed) }

    public func run() async throws {
        try? await gracefulShutdown()
        begun.store(true, ordering: .relaxed)
    }
}
