import HTTPTypes

extension ServiceClient {
    /// A request for approval that waits for a decision.
    struct PendingRequest: Sendable, Hashable {
        let id: String
        /// The message for the person who decides.
        let message: String
    }

    /// The response to an agent's start.
    enum AgentStartResult: Sendable, Hashable {
        case started(Session)
        /// The request was denied, or not decided in time.
        case refused(reason: String)
    }

    /// The longest wait for the response to an agent's start: the default approval time-out of 300 s and a margin.
    private static let agentLimit: Duration = .seconds(330)

    /// Requests a preview as the agent does, and waits for the decision.
    func startAsAgent(run: String, port: Int) async throws -> AgentStartResult {
        let response = try await send(
            .post,
            "/api/runs/\(run)/sandbox/preview",
            body: ["target_port": .int(Int64(port))],
            timeout: Self.agentLimit
        )
        if response.status == 403 { return .refused(reason: response.reason) }
        return .started(try session(accept(response), provisioning: Self.provisioning(response.timing)))
    }

    /// The run's requests that wait for a decision.
    func pendingRequests(run: String) async throws -> [PendingRequest] {
        let requests = try await require(.get, "/api/runs/\(run)/preview-requests", body: nil).arrayValue ?? []
        return requests.filter { $0["state"]?.stringValue == "pending" }.compactMap { request in
            guard let id = request["request_id"]?.stringValue else { return nil }
            return PendingRequest(id: id, message: request["message"]?.stringValue ?? "")
        }
    }

    /// Approves a request with the scope `once`.
    func approve(_ request: PendingRequest, run: String) async throws {
        _ = try await require(.post, Self.approvals(run), body: ["request_id": .string(request.id)])
    }

    /// Denies a request.
    func deny(_ request: PendingRequest, run: String) async throws {
        _ = try await require(.post, "/api/runs/\(run)/tool-denials", body: ["request_id": .string(request.id)])
    }

    /// The path of approvals.
    static func approvals(_ run: String) -> String { "/api/runs/\(run)/tool-approvals" }
}
