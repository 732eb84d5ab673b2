public import FoundationEssentials
public import PreviewDomain

/// The result of one survey of the cluster: what the reaper would do about every preview, why, and when that changes.
///
/// It is a value, made from a ``ReapSurvey`` with the same ``ReapEvaluator`` as every sweep's.
public struct ReapReport: Sendable {
    /// The previews, then the Services without a route.
    public let entries: [ReapEntry]
    /// The API server's time by which age was evaluated; `nil` if it was not known.
    public let time: ClusterTimeReading?
    /// The rules that were applied.
    public let policy: PreviewPolicy
    /// Whether no idle preview was to be deleted.
    public let sparesIdle: Bool

    init(_ survey: ReapSurvey, policy: PreviewPolicy, sparesIdle: Bool = false) {
        self.policy = policy
        time = survey.time
        self.sparesIdle = sparesIdle
        entries =
            survey.routes.map { ReapEntry($0, policy: policy, time: survey.time) }
            + survey.loneBackends.map { ReapEntry($0) }
    }

    /// The deletions of the report.
    var deletions: [DueDeletion] { entries.compactMap(\.deletion) }
}

/// What the reaper would do about one preview, or about the remaining object of one.
public struct ReapEntry: Sendable {
    public enum Subject: Sendable {
        /// An HTTPRoute, with its Service if there is one.
        case preview(Preview, PreviewBackend?)
        /// A Service without an HTTPRoute.
        case loneBackend(PreviewBackend)
    }

    public let subject: Subject
    /// Whether its pod exists; unknown if the preview does not name the pod.
    public let pod: Presence
    /// Whether its run's claim exists; unknown if that is not relevant, or the preview does not name the claim.
    public let claim: Presence
    public let decision: ReapDecision
    /// What a keepalive would do now; `nil` for a Service without a route, and while the time is not known.
    public let keepalive: KeepaliveDecision?
    /// The deletion that the decision asks for.
    let deletion: DueDeletion?

    init(_ route: ReapSurvey.EvaluatedRoute, policy: PreviewPolicy, time: ClusterTimeReading?) {
        let preview = route.preview
        subject = .preview(preview, route.backend)
        pod = route.pod
        claim = route.claim
        decision = route.decision
        deletion = DueDeletion(.route(preview), decision)
        keepalive = time.map { time in
            policy.lifetime.keepalive(preview, now: (earliest: time.earliest, latest: time.latest))
        }
    }

    init(_ lone: ReapSurvey.EvaluatedBackend) {
        subject = .loneBackend(lone.backend)
        pod = .unknown
        claim = .unknown
        decision = lone.decision
        deletion = DueDeletion(.backend(lone.backend), decision)
        keepalive = nil
    }

    /// The token, which prints as its fingerprint.
    public var token: PreviewToken {
        switch subject {
        case .preview(let preview, _): preview.token
        case .loneBackend(let backend): backend.token
        }
    }

    /// The object's `creationTimestamp`.
    public var createdAt: Date {
        switch subject {
        case .preview(let preview, _): preview.createdAt
        case .loneBackend(let backend): backend.createdAt
        }
    }

    /// Whether it is due only because it is idle: a replica keeps such previews for a while after it could not record
    /// keepalives.
    public var isDueForIdleness: Bool {
        if case .reap(.idle, _) = decision { true } else { false }
    }

    /// The run that the object names.
    public var run: String? {
        switch subject {
        case .preview(let preview, _): preview.runID?.text ?? preview.run?.text
        case .loneBackend(let backend): backend.run?.text
        }
    }
}
