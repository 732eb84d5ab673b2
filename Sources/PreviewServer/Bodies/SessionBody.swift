internal import Basics
internal import PreviewControl
internal import PreviewDomain

/// A session in the format of the platform's front end, with the additional members of this service.
struct SessionBody: Encodable {
    private let sessionID: String
    private let localPort = 0
    private let targetPort: Int?
    private let podName: String?
    private let startedAt: String
    private let previewURL: String
    private let keepaliveURL: String
    private let expiresAt: String
    private let maxUntil: String
    private let ready: Bool
    private let readiness: String
    private let hostHeader: String
    private let appStatus: Int?
    private let detail: String?

    private enum CodingKeys: String, CodingKey {
        case sessionID = "session_id"
        case localPort = "local_port"
        case targetPort = "target_port"
        case podName = "pod_name"
        case startedAt = "started_at"
        case previewURL = "preview_url"
        case keepaliveURL = "keepalive_url"
        case expiresAt = "expires_at"
        case maxUntil = "max_until"
        case ready
        case readiness
        case hostHeader = "host_header"
        case appStatus = "app_status"
        case detail
    }

    init(_ session: PreviewSession, run: RunID, address: PreviewAddress) {
        sessionID = session.token.text
        targetPort = session.targetPort
        podName = session.podName
        startedAt = RFC3339.string(session.startedAt)
        previewURL = address.previewURL(session.token).value
        keepaliveURL = "/api/runs/\(run.text)/sandbox/preview/\(session.token.text)/keepalive"
        expiresAt = RFC3339.string(session.expiresAt)
        maxUntil = RFC3339.string(session.maxUntil)
        ready = session.readiness.isReady
        readiness = session.readiness.state.rawValue
        hostHeader = session.hostHeader.rawValue
        appStatus = session.readiness.appStatus
        detail = session.readiness.detail
    }
}

/// The body of `/readyz`: whether this replica accepts requests, and which of its functions work.
struct ReadinessBody: Encodable {
    struct Brake: Encodable {
        /// Whether new previews are refused.
        let engaged: Bool
        let reason: String?
    }

    struct Cluster: Encodable {
        /// Whether the API server answered the last request.
        let reachable: Bool
        let reason: String?
    }

    struct IdleReaping: Encodable {
        /// Whether idle previews are kept, because keepalives could not be recorded.
        let paused: Bool
        /// The shortest remaining time of that.
        let secondsLeft: Int64?

        private enum CodingKeys: String, CodingKey {
            case paused
            case secondsLeft = "seconds_left"
        }
    }

    /// The reason why it accepts no requests, as in every error; `nil` if it does.
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

    /// - Parameter obstacle: The reason why the replica accepts no requests; `nil` if it does.
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
