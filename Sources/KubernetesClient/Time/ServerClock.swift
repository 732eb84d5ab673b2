public import FoundationEssentials
import Synchronization

/// The time of the API server's clock, as known from its responses.
public struct ServerTimeReading: Hashable, Sendable {
    /// The server's clock shows at least this.
    public let earliest: Date
    /// The server's clock shows at most this.
    public let latest: Date
    /// How often another time was accepted before this reading, because the server's clock was set.
    public let steps: Int

    init(earliest: Date, latest: Date, steps: Int) {
        self.earliest = earliest
        self.latest = latest
        self.steps = steps
    }

    /// The uncertainty.
    public var width: Duration { .seconds(latest.timeIntervalSince(earliest)) }
}

/// The API server's clock, known from the `Date` header of its responses. It sends no requests itself.
///
/// A time that contradicts the known one is not accepted at once: ``ServerTimeBounds`` decides.
public final class ServerClock: Sendable {
    private let bounds = Mutex(ServerTimeBounds())
    private let elapsed: @Sendable () -> Duration

    /// Creates a clock without any knowledge.
    ///
    /// - Parameter clock: A monotonic clock, which measures the time between responses.
    init(clock: any Clock<Duration>) {
        elapsed = clock.stopwatch()
    }

    /// The server's time now, or `nil` if there was no response.
    public func reading() -> ServerTimeReading? {
        let local = seconds
        let (known, steps) = bounds.withLock { ($0.range(at: local), $0.steps) }
        guard let range = known else { return nil }
        return ServerTimeReading(
            earliest: Date(timeIntervalSince1970: range.lowerBound),
            latest: Date(timeIntervalSince1970: range.upperBound),
            steps: steps
        )
    }

    /// The smallest possible error of `wallClock`: positive if it is ahead of the server, zero if it may be correct.
    ///
    /// - Parameter wallClock: The present time of this machine's clock.
    /// - Returns: `nil` if the server's time is not known.
    public func skew(of wallClock: Date) -> Duration? {
        guard let reading = reading() else { return nil }
        if wallClock > reading.latest { return .seconds(wallClock.timeIntervalSince(reading.latest)) }
        if wallClock < reading.earliest { return .seconds(wallClock.timeIntervalSince(reading.earliest)) }
        return .zero
    }

    /// The smallest possible lead of an API server's clock that contradicts the established time; negative if it is
    /// behind.
    ///
    /// - Returns: `nil` while none contradicts it.
    public var contradiction: Duration? {
        let local = seconds
        return bounds.withLock { $0.contradiction(at: local) }.map { .seconds($0) }
    }

    /// Whether ``KubernetesClient/requestServerTime()`` would add information.
    public var needsVote: Bool {
        let local = seconds
        return bounds.withLock { $0.needsVote(at: local) }
    }

    /// The uncertainty of the established time, regardless of contradictions.
    var acceptedWidth: Duration? {
        let local = seconds
        return bounds.withLock { $0.acceptedRange(at: local) }.map { .seconds($0.upperBound - $0.lowerBound) }
    }

    /// How long to wait before sending the request whose response is the most informative.
    var pauseBeforeInformativeRequest: Duration {
        let local = seconds
        return .seconds(bounds.withLock { $0.pauseBeforeInformativeRequest(at: local) })
    }

    /// The local time in seconds, to be recorded before a request is sent.
    var seconds: Double { elapsed() / .seconds(1) }

    /// Processes the `Date` of a response.
    func observe(date: Date, sent: Double, isOwnConnection: Bool = false) {
        let received = seconds
        bounds.withLock {
            $0.observe(
                date: date.timeIntervalSince1970,
                sent: sent,
                received: received,
                isOwnConnection: isOwnConnection
            )
        }
    }
}

extension KubernetesClient {
    /// Narrows the interval of the server's clock with a few small requests.
    ///
    /// The `Date` of a response has whole seconds, so its information depends on when it was requested. Each request is
    /// sent at the moment at which its response halves the uncertainty, which takes up to a second each.
    ///
    /// - Parameters:
    ///   - width: The tolerated uncertainty. It cannot become less than a round trip.
    ///   - maxRequests: The largest number of requests.
    public func narrowServerClock(to width: Duration, maxRequests: Int) async throws {
        for _ in 0..<maxRequests {
            if let known = serverClock.acceptedWidth, known <= width { return }
            try await executor.clock.sleep(for: serverClock.pauseBeforeInformativeRequest)
            _ = try await executor.perform(Self.timeRequest, limits: limits, retries: false)
        }
    }

    /// Requests the server's time on a separate connection, which may lead to another API server of the cluster than
    /// the present one.
    public func requestServerTime() async throws {
        var request = Self.timeRequest
        request.usesOwnConnection = true
        _ = try await executor.perform(request, limits: limits, retries: false)
    }

    private static let timeRequest = APIRequest(verb: .probe, resource: "version", path: "/version")
}

extension Clock where Duration == Swift.Duration {
    /// A function that tells the time passed since this call.
    func stopwatch() -> @Sendable () -> Duration {
        let start = now
        return { start.duration(to: self.now) }
    }

    /// Runs `body`, and cancels it when `deadline` has passed.
    ///
    /// - Throws: What `body` throws, or `onTimeout()` if the deadline came first.
    func withDeadline<Result: Sendable>(
        _ deadline: Duration,
        _ body: @escaping @Sendable () async throws -> Result,
        onTimeout: @escaping @Sendable () -> any Error
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await self.sleep(for: deadline)
                throw onTimeout()
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}
