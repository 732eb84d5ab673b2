internal import PreviewDomain

extension AgentPreviewGate {
    /// Why nobody has to be asked, or nil when somebody has to.
    ///
    /// What cannot be found out right now grants nothing.
    func automaticGround(for request: GateRequest, on claim: ClaimRecord) async -> AutomaticGrant? {
        let common: StandingGrants?
        if let known = index.commonGrants() { common = known } else { common = try? await store.commonGrants() }
        if let ground = standingGround(for: request, on: claim, common: common) { return ground }
        guard let known = await facts?.facts(of: request.run) else { return nil }
        if known.approvesToolsAutomatically { return .runOption }
        guard let parent = known.parent else { return nil }
        return await parentGround(parent, port: request.port)
    }

    /// The grounds that can be seen without asking anybody.
    func standingGround(
        for request: GateRequest,
        on claim: ClaimRecord,
        common: StandingGrants?
    ) -> AutomaticGrant? {
        if policy.approvesAutomatically { return .setting }
        if claim.ledger.approvesAutomatically { return .runOption }
        switch claim.ledger.grants.reach(covering: request.run, port: request.port) {
        case .run: return .runGrant
        case .tool: return .toolGrant
        // Such a grant counts on the Gateway alone, which only operators of the cluster can write.
        case .always, nil: break
        }
        if case .always = common?.reach(covering: request.run, port: request.port) { return .alwaysGrant }
        return nil
    }

    private func parentGround(_ parent: RunID, port: TargetPort) async -> AutomaticGrant? {
        if await facts?.facts(of: parent)?.approvesToolsAutomatically == true { return .parentOption }
        let known = index.claim(named: parent.claimName)
        let claim: ClaimRecord?
        if let known { claim = known } else { claim = try? await store.claim(of: parent) }
        guard let claim, claim.belongs(to: parent) else { return nil }
        if claim.ledger.approvesAutomatically { return .parentOption }
        switch claim.ledger.grants.reach(covering: parent, port: port) {
        case .run: return .parentRunGrant
        case .tool: return .parentToolGrant
        case .always, nil: return nil
        }
    }
}
