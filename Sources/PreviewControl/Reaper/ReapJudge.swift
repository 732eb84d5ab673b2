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

    /// - Returns: `nil` where the verdict is not to delete it.
    init?(_ target: Target, _ verdict: ReapVerdict) {
        guard case .reap(let reason, _) = verdict else { return nil }
        self.target = target
        self.reason = reason
    }

    var token: PreviewToken {
        switch target {
        case .route(let preview): preview.token
        case .backend(let backend): backend.token
        }
    }
}

/// Says from which instant on a preview's expiry counts, for the API server's present time where it is known.
typealias IdleFrom = @Sendable (PreviewToken, Date?) -> Date

/// Decides about single objects, purely from what is passed in.
///
/// The rules for a preview's life are `PreviewDomain.decide`; this adds the halves of pairs: a route without its Service,
/// a Service without its route.
struct ReapJudge: Sendable {
    let policy: PreviewPolicy

    /// - Parameters:
    ///   - hasBackend: Whether the preview's Service exists; `nil` when that is not known.
    ///   - now: The API server's time; `nil` when it is not known, and then nothing is reaped for its age.
    ///   - idleFrom: Says from which instant on an expiry counts.
    func judge(
        _ preview: Preview,
        pod: Presence,
        claim: Presence,
        hasBackend: Bool?,
        now: Date?,
        idleFrom: IdleFrom
    ) -> ReapVerdict {
        let verdict = decide(
            preview,
            pod: pod,
            claim: claim,
            now: now,
            idleFrom: idleFrom(preview.token, now),
            policy: policy.lifetime
        )
        guard hasBackend == false, case .keep(let until, _) = verdict else { return verdict }
        let grace = graceVerdict(createdAt: preview.createdAt, now: now)
        return until <= grace.nextLook ? verdict : grace
    }

    /// - Parameters:
    ///   - hasRoute: Whether the Service's route exists; `nil` when that is not known.
    ///   - isEnded: Whether the preview is known to be over: then no start can be about to make the route, which is what
    ///     the grace time is for.
    func judge(_ backend: PreviewBackend, hasRoute: Bool?, isEnded: Bool, now: Date?) -> ReapVerdict {
        guard !backend.isBeingDeleted, hasRoute == false else { return .leave }
        return isEnded ? .reap(.orphan) : graceVerdict(createdAt: backend.createdAt, now: now)
    }

    /// What becomes of half a pair: the start that makes the other half has a grace time for it.
    private func graceVerdict(createdAt: Date, now: Date?) -> ReapVerdict {
        let graceEnd = createdAt + policy.orphanGrace
        guard let now, now >= graceEnd else { return .keep(until: graceEnd, then: .orphan) }
        return .reap(.orphan, dueSince: graceEnd)
    }
}
