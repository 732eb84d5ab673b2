public import KubernetesClient
public import Logging
public import PreviewControl
public import ServiceLifecycle

/// Keeps the API server's time known to within a few hundredths of a second, and finds out whom to believe where two API
/// servers tell different times.
///
/// Answers that come anyway bound it too, but at rest hardly any come, and an expiry is decided on the safe side of what
/// is known: what is uncertain about the time delays every deletion by as much.
public struct ClusterTimeKeeper: Service {
    private let client: KubernetesClient
    private let time: MonotonicTime
    private let logger: Logger

    /// What may stay uncertain.
    private static let width = Duration.milliseconds(20)
    /// How many requests one round takes at most: a second, halved six times, and two to spare.
    private static let maxRequests = 8
    /// The time between two rounds. The clocks may drift apart by 120 ms meanwhile, which two or three requests mend.
    private static let interval = Duration.seconds(60)
    /// The time between two looks at whether somebody contradicts what is known, and between two votes where it is so.
    private static let votePause = Duration.seconds(4)
    /// How many votes are taken at once while nobody contradicts what is known.
    private static let maxVotesAtOnce = ServerTimeBounds.deciding
    /// How often a contradiction is logged while it lasts.
    private static let warningInterval = Duration.seconds(60)

    public init(client: KubernetesClient, time: MonotonicTime, logger: Logger) {
        self.client = client
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var nextRound = time.uptime()
            var warnings = LogThrottle<Bool>(interval: Self.warningInterval, maxCauses: 2)
            while !Task.isCancelled {
                // A cluster that does not answer is reported by whoever needs more of it than the time.
                if time.uptime() >= nextRound {
                    try? await client.narrowServerClock(to: Self.width, maxRequests: Self.maxRequests)
                    nextRound = time.uptime() + Self.interval
                }
                try? await vote()
                warn(&warnings)
                try? await time.sleep(Self.votePause)
            }
        }
    }

    /// Asks on connections of their own for as long as that tells something; once at a time where two servers disagree,
    /// so that the votes are spread over the time that a decision takes.
    private func vote() async throws {
        for _ in 0..<Self.maxVotesAtOnce where client.serverClock.needsVote {
            try await client.askForServerTime()
            if client.serverClock.contradiction != nil { return }
        }
    }

    private func warn(_ warnings: inout LogThrottle<Bool>) {
        guard let contradiction = client.serverClock.contradiction,
            warnings.admit(contradiction > .zero, at: time.uptime()) != nil
        else { return }
        logger.warning(
            "an API server's clock contradicts the established time, which is kept until the contradiction is confirmed",
            metadata: ["seconds_ahead": "\(contradiction / .seconds(1))"]
        )
    }
}

extension ClusterTimeKeeper: CustomStringConvertible {
    /// Its name alone: ServiceLifecycle logs services by their description.
    public var description: String { "ClusterTimeKeeper" }
}

/// The API server's clock, as the client derives it from the `Date` header of every answer.
public struct KubernetesClusterTime: ClusterTime {
    private let clock: ServerClock

    public init(_ clock: ServerClock) {
        self.clock = clock
    }

    public func reading() -> ClusterTimeReading? {
        clock.reading().map { ClusterTimeReading(earliest: $0.earliest, latest: $0.latest) }
    }
}
