internal import FoundationEssentials
internal import PreviewDomain

/// One deletion that was decided on, with the state of the object that the decision rests on.
struct ReapOrder: Hashable, Sendable {
    enum Target: Hashable, Sendable {
        case route(Preview)
        case backend(PreviewBackend)
    }

    let target: Target
    let reason: ReapReason

    var token: PreviewToken {
        switch target {
        case .route(let preview): preview.token
        case .backend(let backend): backend.token
        }
    }
}

/// Says from which instant on a preview's expiry counts, for the API server's present time.
typealias IdleFrom = @Sendable (PreviewToken, Date) -> Date

/// Decides about single objects, purely from what is passed in.
///
/// The rules for a preview's life are `PreviewDomain.decide`; this adds the halves of pairs (a route without its
/// Service, a Service without its route) and leaves alone what is already being deleted.
struct ReapJudge: Sendable {
    enum Judgement: Sendable {
        case keep(until: Date)
        case reap(ReapOrder)

        /// When the object has to be looked at again.
        var nextLook: Date {
            switch self {
            case .keep(let until): until
            case .reap: .distantPast
            }
        }

        /// The deletion that was decided on.
        var order: ReapOrder? {
            if case .reap(let order) = self { order } else { nil }
        }
    }

    let policy: PreviewPolicy

    /// - Parameters:
    ///   - hasBackend: Whether the preview's Service exists; `nil` when that is not known.
    ///   - now: The API server's time; `nil` when it is not known, and then nothing is reaped for its age.
    ///   - idleFrom: Says, for the API server's present time, from which instant on an expiry counts. It is asked only of
    ///     what has expired.
    func judge(
        _ preview: Preview,
        pod: Presence,
        claim: Presence,
        hasBackend: Bool?,
        now: Date?,
        idleFrom: IdleFrom
    ) -> Judgement {
        guard !preview.isBeingDeleted else { return .keep(until: .distantFuture) }
        var decision = decide(preview, pod: pod, claim: claim, now: now, policy: policy.lifetime)
        if decision == .reap(.idle), let now {
            let idleFrom = idleFrom(preview.token, now)
            decision = decide(preview, pod: pod, claim: claim, now: now, idleFrom: idleFrom, policy: policy.lifetime)
        }
        switch decision {
        case .reap(let reason):
            return .reap(ReapOrder(target: .route(preview), reason: reason))
        case .keep(let until):
            guard hasBackend == false else { return .keep(until: until) }
            let graceEnd = preview.createdAt + policy.orphanGrace
            guard let now, now >= graceEnd else { return .keep(until: min(until, graceEnd)) }
            return .reap(ReapOrder(target: .route(preview), reason: .orphan))
        }
    }

    /// - Parameters:
    ///   - hasRoute: Whether the Service's route exists; `nil` when that is not known.
    ///   - isEnded: Whether the preview is known to be over: then no start can be about to make the route, which is what
    ///     the grace time is for.
    func judge(_ backend: PreviewBackend, hasRoute: Bool?, isEnded: Bool, now: Date?) -> Judgement {
        guard !backend.isBeingDeleted, hasRoute == false else { return .keep(until: .distantFuture) }
        if isEnded { return .reap(ReapOrder(target: .backend(backend), reason: .orphan)) }
        let graceEnd = backend.createdAt + policy.orphanGrace
        guard let now, now >= graceEnd else { return .keep(until: graceEnd) }
        return .reap(ReapOrder(target: .backend(backend), reason: .orphan))
    }
}
