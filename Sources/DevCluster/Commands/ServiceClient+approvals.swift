import HTTPTypes

extension ServiceClient {
    /// A request of the run's agent that waits for a human.
    struct PendingRequest: Sendable, Hashable {
        let id: String
        /// What is asked, in the words that a human reads.
        let message: String
    }

    /// What a start of the agent's came to.
    enum AgentAnswer: Sendable, Hashable {
        case started(Session)
        /// A human refused, or nobody decided in time.
        case refused(reason: String)
    }

    /// The longest that an agent waits for an answer: the gate's five minutes and a little more.
    private static let agentLimit: Duration = .seconds(330)

    /// Asks for a preview as the run's agent does, and waits for a human's decision.
    func startAsAgent(run: String, port: Int) async throws -> AgentAnswer {
        let answer = try await send(
            .post,
            "/api/runs/\(run)/sandbox/preview",
            body: ["target_port": .int(Int64(port))],
            timeout: Self.agentLimit
        )
        if answer.status == 403 { return .refused(reason: answer.reason) }
        return .started(try session(accept(answer), provisioning: Self.provisioning(answer.timing)))
    }

    /// The run's requests that wait for a decision.
    func pendingRequests(run: String) async throws -> [PendingRequest] {
        let requests = try await require(.get, "/api/runs/\(run)/preview-requests", body: nil).arrayValue ?? []
        return requests.filter { $0["state"]?.stringValue == "pending" }.compactMap { request in
            guard let id = request["request_id"]?.stringValue else { return nil }
            return PendingRequest(id: id, message: request["message"]?.stringValue ?? "")
        }
    }

    /// Approves a request, for this once.
    func approve(_ request: PendingRequest, run: String) async throws {
        _ = try await require(.post, Self.approvals(run), body: ["request_id": .string(request.id)])
    }

    /// Denies a request.
    func deny(_ request: PendingRequest, run: String) async throws {
        _ = try await require(.post, "/api/runs/\(run)/tool-denials", body: ["request_id": .string(request.id)])
    }

    /// The path under which requests are approved.
    static func approvals(_ run: String) -> String { "/api/runs/\(run)/tool-approvals" }
}
