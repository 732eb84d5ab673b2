internal import PreviewDomain

/// Automatic approval: finding a ground, and testing it in the write that uses it.
extension AgentPreviewGate {
    /// The ground for automatic approval, or nil if a human has to decide.
    ///
    /// Unknown information is never a ground.
    func automaticGround(
        for request: GateRequest,
        on claim: ClaimRecord,
        seeing view: ClaimView
    ) async -> ApprovalGround? {
        let known = view == .copy ? cachedCommonGrants() : nil
        let common: StandingGrants?
        if let known { common = known } else { common = try? await store.commonGrants() }
        if let ground = standingGround(for: request, on: claim, common: common) { return ground }
        guard let known = await facts?.facts(of: request.run) else { return nil }
        if known.approvesToolsAutomatically { return ApprovalGround(.runOption, .coreAPI(request.run)) }
        guard let parent = known.parent else { return nil }
        if await facts?.facts(of: parent)?.approvesToolsAutomatically == true {
            return ApprovalGround(.parentOption, .coreAPI(parent))
        }
        let copy = view == .copy ? cachedClaim(of: parent) : nil
        let parentClaim: ClaimRecord?
        if let copy { parentClaim = copy } else { parentClaim = try? await store.claim(of: parent) }
        return parentClaim.flatMap { parentGrant(parent, port: request.port, on: $0) }
            .map { ApprovalGround($0, .parentClaim(parent)) }
    }

    /// Throws if the run is known to have ended: the core API takes no decisions about its tools either. If this is
    /// unknown, nothing is refused.
    func checkThatRunHasNotEnded(_ run: RunID) async throws(PreviewError) {
        guard await facts?.facts(of: run)?.hasEnded == true else { return }
        throw PreviewError(
            .runOver,
            """
            This run has ended, so requests of its agent are not approved or denied. Its owner can still start a \
            preview directly while its sandbox exists.
            """
        )
    }

    /// The grounds that can be found without a request.
    func standingGround(
        for request: GateRequest,
        on claim: ClaimRecord,
        common: StandingGrants?
    ) -> ApprovalGround? {
        let ledger = claim.ledger
        if policy.approvesAutomatically { return ApprovalGround(.setting, .setting) }
        if ledger.approvesAutomatically {
            return ApprovalGround(.runOption, annotation: ApprovalAnnotation.autoApprove, of: ledger)
        }
        switch ledger.grants.scope(covering: request.run, port: request.port) {
        case .run: return ApprovalGround(.runGrant, annotation: ApprovalAnnotation.grants, of: ledger)
        case .tool: return ApprovalGround(.toolGrant, annotation: ApprovalAnnotation.grants, of: ledger)
        // Such a grant is valid only on the Gateway, which only operators of the cluster can write.
        case .always, nil: break
        }
        if case .always = common?.scope(covering: request.run, port: request.port) {
            return ApprovalGround(.alwaysGrant, .commonGrants)
        }
        return nil
    }

    /// Whether a ground on an object other than the run's claim still holds: the last look before the write, which
    /// cannot test it. The write itself tests the grounds on the claim.
    func isStillValid(_ ground: ApprovalGround, for request: GateRequest) async throws -> Bool {
        switch ground.source {
        case .setting, .claim:
            true
        case .commonGrants:
            if case .always = try await store.commonGrants().scope(covering: request.run, port: request.port) {
                true
            } else {
                false
            }
        case .parentClaim(let parent):
            try await store.claim(of: parent).flatMap { parentGrant(parent, port: request.port, on: $0) } != nil
        case .coreAPI(let run):
            await facts?.facts(of: run)?.approvesToolsAutomatically == true
        }
    }

    private func parentGrant(_ parent: RunID, port: TargetPort, on claim: ClaimRecord) -> AutomaticGrant? {
        guard claim.belongs(to: parent) else { return nil }
        if claim.ledger.approvesAutomatically { return .parentOption }
        switch claim.ledger.grants.scope(covering: parent, port: port) {
        case .run: return .parentRunGrant
        case .tool: return .parentToolGrant
        case .always, nil: return nil
        }
    }
}
