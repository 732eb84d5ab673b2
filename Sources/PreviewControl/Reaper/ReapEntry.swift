public import FoundationEssentials
public import PreviewDomain

/// What the reaper would do about one preview, or about what is left of one.
public struct ReapEntry: Sendable {
    public enum Subject: Sendable {
        /// An HTTPRoute, with its Service where there is one.
        case preview(Preview, PreviewBackend?)
        /// A Service without an HTTPRoute.
        case loneBackend(PreviewBackend)
    }

    public enum Decision: Hashable, Sendable {
        /// It lives on. Unless something changes, it is reaped at this instant, for this reason.
        ///
        /// The instant may be past: then the API server's time is not known, or not known well enough.
        case keep(until: Date, then: ReapReason)
        /// It is to be deleted; for its age, since this instant.
        case reap(ReapReason, dueSince: Date?)
        /// It is being deleted already, and left to whoever does that.
        case leave
    }

    public let subject: Subject
    /// Whether the pod that it shows exists; unknown where it does not say which pod that is.
    public let pod: Presence
    /// Whether its run's claim exists; unknown where that does not matter, or it does not say which claim that is.
    public let claim: Presence
    public let decision: Decision
    /// What a keepalive would do now; `nil` for a lone Service, and while the time is not known.
    public let keepalive: KeepaliveDecision?
    /// The deletion that the decision asks for.
    let order: ReapOrder?

    init(_ route: ReapSurvey.JudgedRoute, judge: ReapJudge, time: ClusterTimeReading?, idleFrom: IdleFrom) {
        let preview = route.preview
        subject = .preview(preview, route.backend)
        pod = route.pod
        claim = route.claim
        order = route.judgement.order
        decision = Decision(route.judgement) { now in
            judge.judge(
                preview,
                pod: route.pod,
                claim: route.claim,
                hasBackend: route.backend != nil,
                now: now,
                idleFrom: idleFrom
            )
        }
        keepalive = time.map { time in
            judge.policy.lifetime.keepalive(preview, now: (earliest: time.earliest, latest: time.latest))
        }
    }

    init(_ lone: ReapSurvey.JudgedBackend, judge: ReapJudge) {
        subject = .loneBackend(lone.backend)
        pod = .unknown
        claim = .unknown
        order = lone.judgement.order
        decision = Decision(lone.judgement) { judge.judge(lone.backend, hasRoute: false, isEnded: false, now: $0) }
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
        if case .reap(.idle, _) = decision { true } else { false }
    }

    /// The run that it belongs to, as well as the object says.
    public var run: String? {
        switch subject {
        case .preview(let preview, _): preview.runID?.text ?? preview.run?.text
        case .loneBackend(let backend): backend.run?.text
        }
    }
}

extension ReapEntry.Decision {
    /// - Parameter judge: The same judgement at another time, or at an unknown one. It tells what the reaper's rules lead
    ///   to, so that they are written down only once.
    init(_ judgement: ReapJudge.Judgement, judge: (Date?) -> ReapJudge.Judgement) {
        switch judgement {
        case .reap(let order):
            // Without a time nothing is reaped for its age.
            self = .reap(order.reason, dueSince: judge(nil).keptUntil)
        case .keep(var until):
            var next = judge(until)
            // What is not reaped for idleness is kept once more, until its cap.
            while case .keep(let later) = next, until < later, later < .distantFuture {
                until = later
                next = judge(until)
            }
            self = next.order.map { .keep(until: until, then: $0.reason) } ?? .leave
        }
    }
}

extension ReapJudge.Judgement {
    fileprivate var keptUntil: Date? {
        if case .keep(let until) = self { until } else { nil }
    }
}
