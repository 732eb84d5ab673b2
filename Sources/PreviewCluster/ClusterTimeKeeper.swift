public import KubernetesClient
public import PreviewControl
public import ServiceLifecycle

/// Keeps the API server's time known to within a few hundredths of a second.
///
/// Answers that come anyway bound it too, but at rest hardly any come, and an expiry is decided on the safe side of what
/// is known: what is uncertain about the time delays every deletion by as much.
public struct ClusterTimeKeeper: Service {
    private let client: KubernetesClient
    private let time: MonotonicTime

    /// What may stay uncertain.
    private static let width = Duration.milliseconds(20)
    /// How many requests one round takes at most: a second, halved six times, and two to spare.
    private static let maxRequests = 8
    /// The time between two rounds. The clocks may drift apart by 24 ms meanwhile, which one or two requests mend.
    private static let interval = Duration.seconds(60)

    public init(client: KubernetesClient, time: MonotonicTime) {
        self.client = client
        self.time = time
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // A cluster that does not answer is reported by whoever needs more of it than the time.
                try? await client.narrowServerClock(to: Self.width, maxRequests: Self.maxRequests)
                try? await time.sleep(Self.interval)
            }
        }
    }
}

extension ClusterTimeKeeper: CustomStringConvertible {
    /// Its name alone: ServiceLifecycle logs services by their description.
    public var description: String { "ClusterTimeKeeper" }
}
