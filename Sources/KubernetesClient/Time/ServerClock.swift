public import FoundationEssentials
import Synchronization

/// What the API server's clock shows now, as far as its answers tell.
public struct ServerTimeReading: Hashable, Sendable {
    /// The server's clock shows at least this.
    public let earliest: Date
    /// The server's clock shows at most this.
    public let latest: Date

    public init(earliest: Date, latest: Date) {
        self.earliest = earliest
        self.latest = latest
    }

    /// How much is uncertain.
    public var width: Duration { .seconds(latest.timeIntervalSince(earliest)) }
}

/// The API server's clock, known from the `Date` header of its answers. It does not ask anything itself.
///
/// One server's clock is not believed at once where it contradicts what is known: ``ServerTimeBounds`` decides.
public final class ServerClock: Sendable {
    private let bounds = Mutex(ServerTimeBounds())
    private let elapsed: @Sendable () -> Duration

    /// Makes a clock that knows nothing yet.
    ///
    /// - Parameter clock: A monotonic clock, which tells the time between answers.
    public init(clock: any Clock<Duration>) {
        elapsed = clock.stopwatch()
    }

    /// The server's time now, or `nil` if no answer has been seen.
    public func reading() -> ServerTimeReading? {
        let local = seconds
        guard let range = bounds.withLock({ $0.range(at: local) }) else { return nil }
        return ServerTimeReading(
            earliest: Date(timeIntervalSince1970: range.lowerBound),
            latest: Date(timeIntervalSince1970: range.upperBound)
        )
    }

    /// How far `wallClock` is off, at least: positive when it is ahead of the server, zero when it may be right.
    ///
    /// - Parameter wallClock: What this machine's clock shows now.
    /// - Returns: `nil` if the server's time is not known.
    public func skew(of wallClock: Date) -> Duration? {
        guard let reading = reading() else { return nil }
        if wallClock > reading.latest { return .seconds(wallClock.timeIntervalSince(reading.latest)) }
        if wallClock < reading.earliest { return .seconds(wallClock.timeIntervalSince(reading.earliest)) }
        return .zero
    }

    /// How far the clock of an API server that contradicts what is believed is ahead, at least; negative when it is behind.
    ///
    /// - Returns: `nil` while none contradicts it.
    public var contradiction: Duration? {
        let local = seconds
        return bounds.withLock { $0.contradiction(at: local) }.map { .seconds($0) }
    }

    /// Whether ``KubernetesClient/askForServerTime()`` would tell something that other answers do not.
    public var needsVote: Bool {
        let local = seconds
        return bounds.withLock { $0.needsVote(at: local) }
    }

    /// How much is uncertain of the time that is believed, whatever contradicts it.
    var believedWidth: Duration? {
        let local = seconds
        return bounds.withLock { $0.believedRange(at: local) }.map { .seconds($0.upperBound - $0.lowerBound) }
    }

    /// How long to wait before sending a request whose answer tells most about the server's clock.
    var pauseBeforeInformativeRequest: Duration {
        let local = seconds
        return .seconds(bounds.withLock { $0.pauseBeforeInformativeRequest(at: local) })
    }

    /// The local time in seconds, to be noted before a request is sent.
    var seconds: Double { elapsed() / .seconds(1) }

    /// Takes the `Date` of an answer into account.
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
    /// Narrows down what is known about the server's clock with a few small requests.
    ///
    /// The `Date` of an answer has whole seconds, so what it tells depends on when it was asked for. Each request is sent
    /// at the moment at which its answer halves what is uncertain, which takes up to a second each.
    ///
    /// - Parameters:
    ///   - width: How much may stay uncertain. It cannot become less than a round trip.
    ///   - maxRequests: How many requests are sent at most.
    public func narrowServerClock(to width: Duration, maxRequests: Int) async throws {
        for _ in 0..<maxRequests {
            if let known = serverClock.believedWidth, known <= width { return }
            try await executor.clock.sleep(for: serverClock.pauseBeforeInformativeRequest)
            _ = try await executor.perform(Self.timeRequest, limits: limits, retries: false)
        }
    }

    /// Asks for the server's time on a connection of its own, which may lead to another API server of the cluster than
    /// the connection that is in use.
    public func askForServerTime() async throws {
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
