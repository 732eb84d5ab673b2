internal import FoundationEssentials
internal import PreviewDomain

/// A decided deletion, with the state of the object on which the decision is based.
struct DueDeletion: Hashable, Sendable {
    enum Target: Hashable, Sendable {
        case route(Preview)
        case backend(PreviewBackend)
    }

    let target: Target
    let reason: ReapReason

    /// - Returns: `nil` if the decision is not to delete it.
    init?(_ target: Target, _ decision: ReapDecision) {
        guard case .reap(let reason, _) = decision else { return nil }
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
typealias MinExpiry = @Sendable (PreviewToken, Date?) -> Date

/// Evaluates single objects, from its arguments only.
///
/// `reapDecision` of PreviewDomain has the rules for a preview's life; this type adds incomplete pairs: a route without its
/// Service, a Service without its route.
struct ReapEvaluator: Sendable {
    let policy: PreviewPolicy

    /// - Parameters:
    ///   - hasBackend: Whether the preview's Service exists; `nil` if that is not known.
    ///   - now: The API server's time; `nil` if it is not known, and then nothing is deleted for its age.
    ///   - minExpiry: Returns the instant from which an expiry counts.
    func evaluate(
        _ preview: Preview,
        pod: Presence,
        claim: Presence,
        hasBackend: Bool?,
        now: Date?,
        minExpiry: MinExpiry
    ) -> ReapDecision {
        let decision = reapDecision(
            preview,
            pod: pod,
            claim: claim,
            now: now,
            minExpiry: minExpiry(preview.token, now),
            policy: policy.lifetime
        )
        guard hasBackend == false, case .keep(let until, _) = decision else { return decision }
        let grace = graceDecision(createdAt: preview.createdAt, now: now)
        return until <= grace.nextCheck ? decision : grace
    }

    /// - Parameters:
    ///   - hasRoute: Whether the Service's route exists; `nil` if that is not known.
    ///   - isEnded: Whether the preview is known to have ended: then no start can be about to create the route, for
    /// which the grace time exists.
    func evaluate(_ backend: PreviewBackend, hasRoute: Bool?, isEnded: Bool, now: Date?) -> ReapDecision {
        guard !backend.isBeingDeleted, hasRoute == false else { return .leave }
        return isEnded ? .reap(.orphan) : graceDecision(createdAt: backend.createdAt, now: now)
    }

    /// The decision on an object without its counterpart: the start that creates the counterpart has a grace time.
    private func graceDecision(createdAt: Date, now: Date?) -> ReapDecision {
        let graceEnd = createdAt + policy.orphanGrace
        guard let now, now >= graceEnd else { return .keep(until: graceEnd, then: .orphan) }
        return .reap(.orphan, dueSince: graceEnd)
    }
}
