internal import Basics
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PreviewIdentity

/// One message and its answer over HTTP.
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
            switch try server.answer(message, in: revision) {
            case .result(let result):
                return try finished(JSONRPCResponse(id: message.id, outcome: .success(result)).json)
            case .call(let call):
                let run = MCPCall(id: message.id, call: call, revision: revision, caller: caller, server: server)
                return try await answer(run)
            }
        } catch let fault as JSONRPCFault {
            return try refuse(fault, id: message.id, in: known)
        }
    }

    /// A notification gets no answer (MCP, "Sending Messages"). A cancellation among them is not acted upon: it names a
    /// request by an id that is unique within one client only, and the request may be on another replica. Closing the
    /// request is what cancels it.
    func acknowledge() throws -> Response {
        do {
            if let version = try MCPHeaders(request.headers).version(), ProtocolRevision(rawValue: version) == nil {
                throw JSONRPCFault.unsupportedVersion(version)
            }
            return Response(status: .accepted)
        } catch let fault as JSONRPCFault {
            return try refuse(fault, id: nil, in: nil)
        }
    }

    func refuse(_ fault: JSONRPCFault, id: JSONRPCID?, in revision: ProtocolRevision?) throws -> Response {
        let response = JSONRPCResponse(id: id, outcome: .failure(fault))
        return try JSONBody(response.json, status: fault.status(in: revision)).response(from: request, context: context)
    }

    // MARK: Calls

    private func answer(_ call: MCPCall) async throws -> Response {
        if accepted.eventStream, call.longestWait != nil || !accepted.json { return stream(call) }
        guard let longestWait = call.longestWait else { return try finished(await call.run(context.logger).json) }
        // The client takes no events, so nothing can be sent before the end. When it leaves, the wait ends.
        context.timeLimit.extend(by: longestWait)
        let logger = context.logger
        let response = try await context.cancellingOnClientDeparture { await call.run(logger) }
        return try finished(response.json)
    }

    /// The whole answer, in the format that the client takes.
    func finished(_ answer: JSONValue) throws -> Response {
        guard accepted.json else { return eventStream(try CallProgress.event(answer)) }
        return try JSONBody(answer).response(from: request, context: context)
    }

    private func eventStream(_ event: ByteBuffer) -> Response {
        Response(status: .ok, headers: EventStream.headers, body: ResponseBody(byteBuffer: event))
    }

    private func stream(_ call: MCPCall) -> Response {
        let context = context
        let time = time
        return Response(
            status: .ok,
            headers: EventStream.headers,
            body: ResponseBody { writer in
                try await call.stream(to: &writer, context: context, time: time)
                try await writer.finish(nil)
            }
        )
    }
}
