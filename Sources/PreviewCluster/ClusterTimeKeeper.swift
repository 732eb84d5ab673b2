public import KubernetesClient
public import Logging
public import PreviewControl
internal import ServiceLifecycle

/// Keeps the API server's time known to within a few hundredths of a second, and resolves contradictions between API
/// servers.
///
/// Responses to other requests bound the time too, but without load there are hardly any, and an expiry is evaluated on
/// the safe side: the uncertainty of the time delays every deletion.
public struct ClusterTimeKeeper: NamedService {
    private let client: KubernetesClient
    private let time: MonotonicTime
    private let logger: Logger

    /// The tolerated uncertainty.
    private static let toleratedUncertainty = Duration.milliseconds(20)
    /// The largest number of requests in one round: enough to halve a second six times, and two more.
    private static let maxRequests = 8
    /// The time between two rounds. The clocks may drift apart by 120 ms meanwhile, which two or three requests
    /// correct.
    private static let interval = Duration.seconds(60)
    /// The time between two checks for a contradiction, and between two votes while there is one.
    private static let votePause = Duration.seconds(4)
    /// The number of votes at once while there is no contradiction.
    private static let maxVotesAtOnce = ServerTimeBounds.decidingVotes

    public init(client: KubernetesClient, time: MonotonicTime, logger: Logger) {
        self.client = client
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var nextRound = time.uptime()
            let warnings = SharedLogThrottle<Bool>(time: time)
            while !Task.isCancelled {
                // If the cluster does not answer, other components report it.
                if time.uptime() >= nextRound {
                    try? await client.narrowServerClock(to: Self.toleratedUncertainty, maxRequests: Self.maxRequests)
                    nextRound = time.uptime() + Self.interval
                }
                try? await vote()
                warn(warnings)
                try? await time.sleep(Self.votePause)
            }
        }
    }

    /// Sends requests on separate connections for as long as they add information; one at a time if two servers
    /// disagree, so that the votes are spread over the time of the decision.
    private func vote() async throws {
        for _ in 0..<Self.maxVotesAtOnce where client.serverClock.needsVote {
            try await client.requestServerTime()
            if client.serverClock.contradiction != nil { return }
        }
    }

    private func warn(_ warnings: SharedLogThrottle<Bool>) {
        guard let contradiction = client.serverClock.contradiction,
            warnings.admit(contradiction > .zero) != nil
        else { return }
        logger.warning(
            "an API server's clock contradicts the established time, which is kept until the contradiction is confirmed",
            metadata: ["seconds_ahead": "\(contradiction / .seconds(1))"]
        )
    }
}

/// The API server's clock, as the client derives it from the `Date` header of every response.
public struct KubernetesClusterTime: ClusterTime {
    private let clock: ServerClock

    public init(_ clock: ServerClock) {
        self.clock = clock
    }

    public func reading() -> ClusterTimeReading? {
        clock.reading().map { ClusterTimeReading(earliest: $0.earliest, latest: $0.latest, steps: $0.steps) }
    }
}
