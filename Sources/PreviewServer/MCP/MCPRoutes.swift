internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl

/// `POST /mcp`: Streamable HTTP, the transport of the Model Context Protocol.
struct MCPRoutes: Sendable {
    let server: MCPServer
    let rates: CallerRates
    let time: MonotonicTime

    func add(to endpoint: RouterGroup<PreviewRequestContext>) {
        endpoint.post(use: post)
    }

    @Sendable private func post(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        let accepted = AcceptedFormats(request.headers[.accept])
        guard accepted.json || accepted.eventStream else {
            throw APIError(
                .notAcceptable,
                "The response is JSON or an event stream: send 'Accept: application/json, text/event-stream'."
            )
        }
        guard request.mayContainJSON else {
            throw APIError(.unsupportedMediaType, "The body must be JSON: send 'Content-Type: application/json'.")
        }
        let body = try await request.body.collect(upTo: context.maxUploadSize)
        let caller = try context.authenticatedCaller
        let content = JSONRPCBody(body.readableBytesView)
        for message in content.messages { try rates.take(for: caller, run: message.run) }
        let exchange = MCPExchange(
            request: request,
            context: context,
            caller: caller,
            accepted: accepted,
            server: server,
            time: time
        )
        switch content {
        case .single(.request(let message)): return try await exchange.answer(message)
        case .single(.notification): return try exchange.acknowledge()
        case .single(.invalid(let error, let id)): return try exchange.refuse(error, id: id, in: nil)
        case .batch(let messages): return try await exchange.answer(batch: messages)
        }
    }
}
