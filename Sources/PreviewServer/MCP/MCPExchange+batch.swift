internal import Basics
internal import Hummingbird
internal import PreviewIdentity

extension MCPExchange {
    /// What becomes of one message of a batch.
    private enum Step: Sendable {
        /// Its answer; nil for a notification.
        case answered(JSONRPCResponse?)
        case call(MCPCall)
    }

    /// Carries out the messages of a batch, all at once, and answers them together (2025-03-26, "Batching").
    func answer(batch messages: [JSONRPCMessage]) async throws -> Response {
        if let fault = fault(of: messages) { return try refuse(fault, id: nil, in: nil) }
        let steps = messages.map(step)
        let calls = steps.compactMap { step -> MCPCall? in
            if case .call(let call) = step { call } else { nil }
        }
        // Nothing is sent before the end. When the client leaves, the waits end.
        if let longestWait = calls.compactMap(\.longestWait).max() { context.timeLimit.extend(by: longestWait) }
        let logger = context.logger
        let answers = try await context.cancellingOnClientDeparture {
            await withTaskGroup(of: (Int, JSONRPCResponse?).self) { group in
                for (index, step) in steps.enumerated() {
                    group.addTask {
                        switch step {
                        case .answered(let response): (index, response)
                        case .call(let call): (index, await call.run(logger))
                        }
                    }
                }
                return await group.reduce(into: [Int: JSONRPCResponse]()) { $0[$1.0] = $1.1 }
            }
        }
        guard !answers.isEmpty else { return Response(status: .accepted) }
        return try finished(.array(steps.indices.compactMap { answers[$0]?.json }))
    }

    private func fault(of messages: [JSONRPCMessage]) -> JSONRPCFault? {
        do throws(JSONRPCFault) {
            if let version = try MCPHeaders(request.headers).version(), version != ProtocolRevision.march2025.rawValue {
                guard ProtocolRevision(rawValue: version) != nil else { return .unsupportedVersion(version) }
                return JSONRPCFault(
                    .invalidRequest,
                    "Batches are part of revision 2025-03-26 only: send each message by itself."
                )
            }
        } catch {
            return error
        }
        guard messages.count <= JSONRPCBody.maxBatch else {
            return JSONRPCFault(
                .invalidRequest,
                "The batch is too long: at most \(JSONRPCBody.maxBatch) messages are accepted."
            )
        }
        return nil
    }

    private func step(_ message: JSONRPCMessage) -> Step {
        switch message {
        case .notification: return .answered(nil)
        case .unusable(let fault, let id): return .answered(JSONRPCResponse(id: id, outcome: .failure(fault)))
        case .request(let request):
            do throws(JSONRPCFault) {
                guard request.method != "initialize" else {
                    throw JSONRPCFault(.invalidRequest, "The method 'initialize' may not be part of a batch.")
                }
                switch try server.answer(request, in: .march2025) {
                case .result(let result):
                    return .answered(JSONRPCResponse(id: request.id, outcome: .success(result)))
                case .call(let call):
                    return .call(
                        MCPCall(id: request.id, call: call, revision: .march2025, caller: caller, server: server)
                    )
                }
            } catch {
                return .answered(JSONRPCResponse(id: request.id, outcome: .failure(error)))
            }
        }
    }
}
