public import PreviewControl
public import ServiceLifecycle
internal import Synchronization

/// The time between the shutdown signal and the end of the listener, in which this replica serves as before.
///
/// Clients (a Service's endpoints, a load balancer) notice the shutdown seconds late. Until then requests are answered,
/// readiness is 503, and every HTTP/1 response closes its connection, so that few are open when the listener closes.
///
/// List this service last: services are shut down in reverse order, one after the other, so everything that requests
/// need continues until this service and then the server have ended. Waiting calls are notified only then: before, a
/// client that repeats its request at once would reach this replica again.
public final class Draining: Service {
    private let duration: Duration
    private let time: MonotonicTime
    private let begun = Atomic(false)
    private let endSignals: AsyncStream<Void>
    private let endSignal: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - duration: How long new requests are still accepted.
    ///   - time: The clock for it.
    public init(for duration: Duration = .zero, time: MonotonicTime = MonotonicTime(ContinuousClock())) {
        self.duration = duration
        self.time = time
        (endSignals, endSignal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// True from the shutdown signal on.
    public var hasBegun: Bool { begun.load(ordering: .relaxed) }

    /// Ends the time at once, even before it has begun.
    public func endEarly() {
        endSignal.finish()
    }

    public func run() async throws {
        try? await gracefulShutdown()
        begun.store(true, ordering: .relaxed)
        guard duration > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [time, duration] in try? await time.sleep(duration) }
            group.addTask { [endSignals] in
                for await _ in endSignals { break }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
