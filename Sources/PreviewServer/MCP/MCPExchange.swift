internal import Basics
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PreviewIdentity

/// One message and its response over HTTP.
struct MCPExchange: Sendable {
    let request: Request
    let context: PreviewRequestContext
    let caller: Caller
    let accepted: AcceptedFormats
    let server: MCPServer
    let time: MonotonicTime

    func answer(_ message: JSONRPCRequest) async throws -> Response {
        var known: ProtocolRevision?
        do {
            let revision = try ProtocolRevision(of: message, headers: MCPHeaders(request.headers))
            known = revision
            switch try server.handle(message, in: revision) {
            case .result(let result):
                return try completeResponse(JSONRPCResponse(id: message.id, outcome: .success(result)).json)
            case .call(let call):
                let run = MCPCall(id: message.id, call: call, revision: revision, caller: caller, server: server)
                return try await answer(run)
            }
        } catch let error as JSONRPCError {
            return try refuse(error, id: message.id, in: known)
        }
    }

    /// A notification gets no response (MCP, "Sending Messages"). A cancellation is ignored: it names a request by an
    /// ID that is unique only within one client, and the request may be on another replica. To cancel a request, close
    /// it.
    func acknowledge() throws -> Response {
        do {
            if let version = try MCPHeaders(request.headers).version(), ProtocolRevision(rawValue: version) == nil {
                throw JSONRPCError.unsupportedVersion(version)
            }
            return Response(status: .accepted)
        } catch let error as JSONRPCError {
            return try refuse(error, id: nil, in: nil)
        }
    }

    func refuse(_ error: JSONRPCError, id: JSONRPCID?, in revision: ProtocolRevision?) throws -> Response {
        let response = JSONRPCResponse(id: id, outcome: .failure(error))
        return try JSONBody(response.json, status: error.status(in: revision)).response(from: request, context: context)
    }

    // MARK: Calls

    private func answer(_ call: MCPCall) async throws -> Response {
        if accepted.eventStream, call.longestWait != nil || !accepted.json { return stream(call) }
        guard let longestWait = call.longestWait else {
            return try completeResponse(await call.run(context.logger).json)
        }
        // The client accepts no events, so nothing can be sent before the end. If it disconnects, the wait ends.
        context.timeLimit.extend(by: longestWait)
        let logger = context.logger
        let response = try await context.cancellingOnClientDisconnection { await call.run(logger) }
        return try completeResponse(response.json)
    }

    /// The whole response, in the format that the client accepts.
    func completeResponse(_ answer: JSONValue) throws -> Response {
        guard accepted.json else { return eventStream(try CallProgress.event(answer)) }
        return try JSONBody(answer).response(from: request, context: context)
    }

    private func eventStream(_ event: ByteBuffer) -> Response {
        Response(status: .ok, headers: EventStream.headers, body: ResponseBody(byteBuffer: event))
    }

    private func stream(_ call: MCPCall) -> Response {
        let context = context
        let time = time
        return EventStream.response { writer in
            try await call.stream(to: &writer, context: context, time: time)
        }
    }
}

extension MCPExchange {
    /// The result of one message of a batch.
    private enum Step: Sendable {
        /// Its response; nil for a notification.
        case answered(JSONRPCResponse?)
        case call(MCPCall)
    }

    /// Carries out the messages of a batch concurrently, and sends their responses together (2025-03-26, "Batching").
    func answer(batch messages: [JSONRPCMessage]) async throws -> Response {
        if let error = error(of: messages) { return try refuse(error, id: nil, in: nil) }
        let steps = messages.map(step)
        let calls = steps.compactMap { step -> MCPCall? in
            if case .call(let call) = step { call } else { nil }
        }
        // Nothing is sent before the end. If the client disconnects, the waits end.
        if let longestWait = calls.compactMap(\.longestWait).max() { context.timeLimit.extend(by: longestWait) }
        let logger = context.logger
        let answers = try await context.cancellingOnClientDisconnection {
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
        return try completeResponse(.array(steps.indices.compactMap { answers[$0]?.json }))
    }

    private func error(of messages: [JSONRPCMessage]) -> JSONRPCError? {
        do throws(JSONRPCError) {
            if let version = try MCPHeaders(request.headers).version(), version != ProtocolRevision.march2025.rawValue {
                guard ProtocolRevision(rawValue: version) != nil else { return .unsupportedVersion(version) }
                return JSONRPCError(
                    .invalidRequest,
                    "Batches are part of revision 2025-03-26 only: send each message separately."
                )
            }
        } catch {
            return error
        }
        guard messages.count <= JSONRPCBody.maxBatch else {
            return JSONRPCError(
                .invalidRequest,
                "The batch is too long: at most \(JSONRPCBody.maxBatch) messages are accepted."
            )
        }
        return nil
    }

    private func step(_ message: JSONRPCMessage) -> Step {
        switch message {
        case .notification: return .answered(nil)
        case .invalid(let error, let id): return .answered(JSONRPCResponse(id: id, outcome: .failure(error)))
        case .request(let request):
            do throws(JSONRPCError) {
                guard request.method != "initialize" else {
                    throw JSONRPCError(.invalidRequest, "The method 'initialize' must not be part of a batch.")
                }
                switch try server.handle(request, in: .march2025) {
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

/// The format of the protocol's two in which a client accepts a response (RFC 9110, 12.5.1).
struct AcceptedFormats: Hashable, Sendable {
    let json: Bool
    let eventStream: Bool

    /// - Parameter accept: The header `Accept`. Without it a client accepts everything, and gets the simpler format.
    init(_ accept: String?) {
        guard let accept else {
            json = true
            eventStream = false
            return
        }
        let types = Set(accept.split(separator: ",").compactMap(Self.mediaType))
        json = !types.isDisjoint(with: ["application/json", "application/*", "*/*"])
        eventStream = !types.isDisjoint(with: ["text/event-stream", "text/*", "*/*"])
    }

    /// The media type of one element; nil if the client rejects it.
    private static func mediaType(_ element: Substring) -> String? {
        let parts = element.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
        let isRefused = parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
        return isRefused ? nil : parts.first
    }
}
