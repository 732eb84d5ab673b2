internal import PreviewControl

/// What `/readyz` says: whether this replica takes callers, and apart from that, what it can do for them.
struct ReadinessBody: Encodable {
    struct Brake: Encodable {
        /// Whether new previews are refused.
        let engaged: Bool
        let reason: String?
    }

    struct Cluster: Encodable {
        /// Whether the API server answered when it was last asked.
        let reachable: Bool
        let reason: String?
    }

    struct IdleReaping: Encodable {
        /// Whether previews that nobody keeps alive are left alone, because keepalives could not be recorded.
        let paused: Bool
        /// How long that goes on at least.
        let secondsLeft: Int64?

        private enum CodingKeys: String, CodingKey {
            case paused
            case secondsLeft = "seconds_left"
        }
    }

    /// Why it takes no callers, in the words of every error; `nil` where it does.
    private let error: String?
    private let status: String?
    private let serving: Bool
    private let brake: Brake
    private let cluster: Cluster
    private let idleReaping: IdleReaping

    private enum CodingKeys: String, CodingKey {
        case error
        case status
        case serving
        case brake
        case cluster
        case idleReaping = "idle_reaping"
    }

    /// - Parameter obstacle: Why the replica takes no callers; `nil` where it does.
    init(_ core: ReplicaCore, obstacle: String?) {
        error = obstacle.map { "Not ready: \($0)." }
        status = obstacle == nil ? "ok" : nil
        serving = obstacle == nil
        let reason = core.brake.reason
        brake = Brake(engaged: reason != nil, reason: reason)
        let complaint = core.outage.unreachableReason
        cluster = Cluster(reachable: complaint == nil, reason: complaint)
        let rest = core.outage.timeUntilIdlenessCounts
        idleReaping = IdleReaping(paused: rest > .zero, secondsLeft: rest > .zero ? rest.wholeSecondsUp : nil)
    }
}
