internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import NIOCore
internal import PreviewControl
internal import PreviewIdentity

/// `POST /mcp`: Streamable HTTP, the transport of the Model Context Protocol.
struct MCPRoutes: Sendable {
    let server: MCPServer
    let time: MonotonicTime

    func add(to endpoint: RouterGroup<PreviewRequestContext>) {
        endpoint.post(use: post)
    }

    @Sendable private func post(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        let accepted = AcceptedFormats(request.headers[.accept])
        guard accepted.json || accepted.eventStream else {
            throw APIError(
                .notAcceptable,
                "Answers come in one of two formats: send 'Accept: application/json, text/event-stream'."
            )
        }
        guard request.mayHoldJSON else {
            throw APIError(.unsupportedMediaType, "The body must be JSON: send 'Content-Type: application/json'.")
        }
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        let exchange = MCPExchange(
            request: request,
            context: context,
            caller: try context.authenticatedCaller,
            accepted: accepted,
            server: server,
            time: time
        )
        switch JSONRPCMessage(body.readableBytesView) {
        case .request(let message): return try await exchange.answer(message)
        case .notification: return try exchange.acknowledge()
        case .unusable(let fault, let id): return try exchange.refuse(fault, id: id, in: nil)
        }
    }
}
