internal import FoundationEssentials
internal import PreviewDomain

/// A decided deletion, with the state of the object on which the decision is based.
struct ReapOrder: Hashable, Sendable {
    enum Target: Hashable, Sendable {
        case route(Preview)
        case backend(PreviewBackend)
    }

    let target: Target
    let reason: ReapReason

    /// - Returns: `nil` if the verdict is not to delete it.
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

    /// The label of the run; `nil` if the object has none.
    var run: RunLabel? {
        switch target {
        case .route(let preview): preview.run
        case .backend(let backend): backend.run
        }
    }
}

/// Returns the instant from which a preview's expiry counts, for the API server's present time if it is known.
typealias IdleFrom = @Sendable (PreviewToken, Date?) -> Date

/// Judges single objects, from its arguments only.
///
/// `PreviewDomain.decide` has the rules for a preview's life; this type adds incomplete pairs: a route without its
/// Service, a Service without its route.
struct ReapJudge: Sendable {
    let policy: PreviewPolicy

    /// - Parameters:
    ///   - hasBackend: Whether the preview's Service exists; `nil` if that is not known.
    ///   - now: The API server's time; `nil` if it is not known, and then nothing is deleted for its age.
    ///   - idleFrom: Returns the instant from which an expiry counts.
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
    ///   - hasRoute: Whether the Service's route exists; `nil` if that is not known.
    ///   - isEnded: Whether the preview is known to have ended: then no start can be about to create the route, for
    /// which the grace time exists.
    func judge(_ backend: PreviewBackend, hasRoute: Bool?, isEnded: Bool, now: Date?) -> ReapVerdict {
        guard !backend.isBeingDeleted, hasRoute == false else { return .leave }
        return isEnded ? .reap(.orphan) : graceVerdict(createdAt: backend.createdAt, now: now)
    }

    /// The verdict on an object without its counterpart: the start that creates the counterpart has a grace time.
    private func graceVerdict(createdAt: Date, now: Date?) -> ReapVerdict {
        let graceEnd = createdAt + policy.orphanGrace
        guard let now, now >= graceEnd else { return .keep(until: graceEnd, then: .orphan) }
        return .reap(.orphan, dueSince: graceEnd)
    }
}
