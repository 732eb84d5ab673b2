public import FoundationEssentials
public import PreviewDomain

/// What one look at the cluster found: what the reaper would do about every preview, why, and when that changes.
///
/// A value, made from a ``ReapSurvey`` and the same ``ReapJudge`` as every sweep's.
public struct ReapReport: Sendable {
    /// The previews, then the Services without a route.
    public let entries: [ReapEntry]
    /// The API server's time by which age was judged; `nil` where it was not known.
    public let time: ClusterTimeReading?
    /// The rules that were applied.
    public let policy: PreviewPolicy
    /// Whether nothing was to be reaped for idleness.
    public let sparesIdle: Bool

    init(_ survey: ReapSurvey, policy: PreviewPolicy, sparesIdle: Bool = false) {
        self.policy = policy
        time = survey.time
        self.sparesIdle = sparesIdle
        entries =
            survey.routes.map { ReapEntry($0, policy: policy, time: survey.time) }
            + survey.loneBackends.map { ReapEntry($0) }
    }

    /// What a carried out report deletes.
    var orders: [ReapOrder] { entries.compactMap(\.order) }
}

/// What the reaper would do about one preview, or about what is left of one.
public struct ReapEntry: Sendable {
    public enum Subject: Sendable {
        /// An HTTPRoute, with its Service where there is one.
        case preview(Preview, PreviewBackend?)
        /// A Service without an HTTPRoute.
        case loneBackend(PreviewBackend)
    }

    public let subject: Subject
    /// Whether the pod that it shows exists; unknown where it does not say which pod that is.
    public let pod: Presence
    /// Whether its run's claim exists; unknown where that does not matter, or it does not say which claim that is.
    public let claim: Presence
    public let verdict: ReapVerdict
    /// What a keepalive would do now; `nil` for a lone Service, and while the time is not known.
    public let keepalive: KeepaliveDecision?
    /// The deletion that the verdict asks for.
    let order: ReapOrder?

    init(_ route: ReapSurvey.JudgedRoute, policy: PreviewPolicy, time: ClusterTimeReading?) {
        let preview = route.preview
        subject = .preview(preview, route.backend)
        pod = route.pod
        claim = route.claim
        verdict = route.verdict
        order = ReapOrder(.route(preview), verdict)
        keepalive = time.map { time in
            policy.lifetime.keepalive(preview, now: (earliest: time.earliest, latest: time.latest))
        }
    }

    init(_ lone: ReapSurvey.JudgedBackend) {
        subject = .loneBackend(lone.backend)
        pod = .unknown
        claim = .unknown
        verdict = lone.verdict
        order = ReapOrder(.backend(lone.backend), verdict)
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

    /// Whether it is due for idleness alone: what a replica leaves alone for a while after it could not record keepalives.
    public var isDueForIdleness: Bool {
        if case .reap(.idle, _) = verdict { true } else { false }
    }

    /// The run that it belongs to, as well as the object says.
    public var run: String? {
        switch subject {
        case .preview(let preview, _): preview.runID?.text ?? preview.run?.text
        case .loneBackend(let backend): backend.run?.text
        }
    }
}
