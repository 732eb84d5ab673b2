public import PreviewControl
public import ServiceLifecycle
internal import Synchronization

/// The time between the signal to stop and the end of the listener, in which this replica serves as before.
///
/// Whoever sends requests here (a Service's endpoints, a load balancer) learns of the stop seconds late. Until then they
/// are answered, readiness says 503, and every answer of HTTP/1 ends its connection, so that hardly one is kept open when
/// the listener closes.
///
/// It is a service to be listed last: services are shut down in reverse order, one after the other, so what requests need
/// goes on until this one is done and the server after it. Calls that wait are told only then: before, whoever asked
/// again at once would be sent here again.
public final class Draining: Service {
    private let duration: Duration
    private let time: MonotonicTime
    private let begun = Atomic(false)
    private let cuts: AsyncStream<Void>
    private let cut: AsyncStream<Void>.Continuation

    /// - Parameters:
    ///   - duration: How long new requests are still taken.
    ///   - time: Measures it.
    public init(for duration: Duration = .zero, time: MonotonicTime = MonotonicTime(ContinuousClock())) {
        self.duration = duration
        self.time = time
        (cuts, cut) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// True from the moment of the signal to stop.
    public var hasBegun: Bool { begun.load(ordering: .relaxed) }

    /// Ends the time at once, also before it has begun.
    public func cutShort() {
        cut.finish()
    }

    public func run() async throws {
        try? await gracefulShutdown()
        begun.store(true, ordering: .relaxed)
        guard duration > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [time, duration] in try? await time.sleep(duration) }
            group.addTask { [cuts] in
                for await _ in cuts { break }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
