public import PreviewControl
public import PreviewDomain

extension AgentPreviewGate {
    /// Requests a preview without waiting for the decision.
    ///
    /// - Throws: A ``PreviewError`` if the request does not wait for a decision.
    public func pendingRequest(for run: RunID, port: Int = 3000) async throws -> Approval {
        guard case .pending(let approval) = try await request(run: run, port: port, requester: "agent") else {
            throw PreviewError(.invalid, "the request does not wait for approval")
        }
        return approval
    }

    /// Requests a preview; returns once the request waits for a decision.
    public func ask(
        for run: RunID,
        port: Int = 3000
    ) async throws -> (pending: Approval, start: Task<StartedPreview, any Error>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Approval.self)
        let start = Task<StartedPreview, any Error> {
            defer { continuation.finish() }
            return try await self.start(run: run, port: port, requester: "agent") { continuation.yield($0) }
        }
        for await pending in stream { return (pending, start) }
        throw PreviewError(.invalid, "the request did not wait: \(await start.result)")
    }
}

extension Task where Success == StartedPreview, Failure == any Error {
    /// Why the start was refused; `nil` if it was not.
    public var refusal: PreviewError? {
        get async {
            switch await result {
            case .success: nil
            case .failure(let error): error as? PreviewError
            }
        }
    }
}
