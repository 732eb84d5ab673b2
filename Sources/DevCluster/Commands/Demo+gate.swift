/// The part of the demonstration in which a human decides.
extension Demo {
    private static let askLimit: Duration = .seconds(10)

    /// Lets the agent ask, checks that nothing exists before the owner's consent, approves, and returns the preview and when it
    /// was approved.
    mutating func startThroughTheGate() async throws -> (ServiceClient.Session, ContinuousClock.Instant) {
        let cluster = cluster
        let before = cluster.apiRequests
        async let answer = cluster.agent.startAsAgent(run: cluster.runID, port: cluster.appPort)
        let request = try await pendingRequest()
        let early = Self.previewObjects(in: cluster.store)
        report.note("objects_before_consent", .int(Int64(early)), holds: early == 0)
        let approved = ContinuousClock.now
        try await terminal.step("the owner approves") {
            try await cluster.service.approve(request, run: cluster.runID)
            return ("The owner approves", ())
        }
        guard case .started(let session) = try await answer else {
            throw DevClusterFailure("the service refused what the owner approved")
        }
        report.count("gated_start_and_approval", cluster.apiRequests - before)
        terminal.line("✓ The agent's preview: \(session.previewURL)")
        return (session, approved)
    }

    /// Lets the agent ask again, denies it, and checks that the agent hears so and nothing was made.
    mutating func denyTheAgent() async throws {
        let cluster = cluster
        async let answer = cluster.agent.startAsAgent(run: cluster.runID, port: cluster.appPort)
        let request = try await pendingRequest()
        try await cluster.service.deny(request, run: cluster.runID)
        guard case .refused(let reason) = try await answer else {
            report.note("denied", false, holds: false)
            return
        }
        terminal.line("✓ The owner denies; the agent is told: \(reason)")
        let made = Self.previewObjects(in: cluster.store)
        report.note("denied", true, holds: made == 0)
    }

    private func pendingRequest() async throws -> ServiceClient.PendingRequest {
        let cluster = cluster
        return try await terminal.step("waiting for the agent's request") {
            let request = try await poll(every: Self.pollInterval, limit: Self.askLimit) {
                try await cluster.service.pendingRequests(run: cluster.runID).first
            }
            guard let request else { throw DevClusterFailure("the agent's request did not show up") }
            return ("The agent asks: \(request.message)", request)
        }
    }
}
