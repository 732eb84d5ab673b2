/// The part of the demonstration that shows the approval gate.
extension Demo {
    private static let requestLimit: Duration = .seconds(10)

    /// Starts a preview as the agent does, approves it as the owner does, and opens it.
    mutating func startWithApproval() async throws -> ServiceClient.Session {
        let (events, source) = AsyncStream<RunEvent>.makeStream()
        let cluster = cluster
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                defer { source.finish() }
                try await cluster.service.follow(run: cluster.runID) { source.yield($0) }
            }
            group.addTask {
                try await Task.sleep(for: Self.requestLimit)
                source.finish()
            }
            return try await startWithApproval(events)
        }
    }

    /// Checks that nothing exists before the approval, and that the event stream contains what the front end needs.
    private mutating func startWithApproval(
        _ events: AsyncStream<RunEvent>
    ) async throws -> ServiceClient.Session {
        let cluster = cluster
        try await terminal.step("waiting for the run's stream") {
            guard let first = await events.first(where: { $0.id != nil }) else { throw Self.streamEnded }
            return ("The run's stream through the router: \(first.name), from the core API", ())
        }
        let before = cluster.apiRequests
        async let answer = cluster.agent.startAsAgent(run: cluster.runID, port: cluster.appPort)
        let request = try await terminal.step("waiting for the card") {
            let card = await events.first { $0.name == "tool.approval_required" }
            guard let card, let id = card.data["requestId"]?.stringValue else { throw Self.streamEnded }
            let message = card.data["intention"]?.stringValue ?? ""
            return ("The card on the stream: \(message)", ServiceClient.PendingRequest(id: id, message: message))
        }
        let early = Self.previewObjects(in: cluster.store)
        report.record("objects_before_consent", .int(Int64(early)), isExpected: early == 0)
        let approved = ContinuousClock.now
        try await terminal.step("the owner approves") {
            try await cluster.service.approve(request, run: cluster.runID)
            return ("The owner approves", ())
        }
        guard case .started(let session) = try await answer else {
            throw DevClusterFailure("the service refused a request that the owner had approved")
        }
        report.count("gated_start_and_approval", cluster.apiRequests - before)
        terminal.line("✓ The agent's preview: \(session.previewURL)")
        try await open(session, since: approved)
        let result = await events.first { $0.data["callId"]?.stringValue == request.id }
        report.record("card_cleared_by", .string(result?.name ?? "nothing"), isExpected: result?.name == "tool.result")
        return session
    }

    private static var streamEnded: DevClusterFailure {
        DevClusterFailure(
            "the run's stream ended, or did not contain the expected event within \(requestLimit.components.seconds) s"
        )
    }

    /// Requests a preview as the agent does, denies it, and checks that the agent is told and that nothing was created.
    mutating func denyAgentRequest() async throws {
        let cluster = cluster
        async let answer = cluster.agent.startAsAgent(run: cluster.runID, port: cluster.appPort)
        let request = try await pendingRequest()
        try await cluster.service.deny(request, run: cluster.runID)
        guard case .refused(let reason) = try await answer else {
            report.record("denied", false, isExpected: false)
            return
        }
        terminal.line("✓ The owner denies; the agent receives: \(reason)")
        let made = Self.previewObjects(in: cluster.store)
        report.record("denied", true, isExpected: made == 0)
    }

    private func pendingRequest() async throws -> ServiceClient.PendingRequest {
        let cluster = cluster
        return try await terminal.step("waiting for the agent's request") {
            let request = try await poll(every: Self.pollInterval, limit: Self.requestLimit) {
                try await cluster.service.pendingRequests(run: cluster.runID).first
            }
            guard let request else { throw DevClusterFailure("the agent's request did not arrive") }
            return ("The agent requests a preview: \(request.message)", request)
        }
    }
}
