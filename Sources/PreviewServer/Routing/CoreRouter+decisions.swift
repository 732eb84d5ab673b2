internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Router
internal import Synchronization

extension CoreRouter {
    /// The longest response to a request whose body was read by a route of this service.
    private static let maxResponseBytes = 1 << 20

    /// Forwards a request that one of this service's routes has read and recognised as the core API's. If the client
    /// disconnects, the forwarded request ends.
    ///
    /// - Parameters:
    ///   - path: The target instead of the request's own.
    ///   - body: The body that was read.
    /// - Returns: The core API's response, or the router's if there is none.
    func forward(
        _ request: Request,
        to path: String? = nil,
        body: ByteBuffer,
        context: PreviewRequestContext
    ) async throws -> Response {
        var head = request.head
        if let path { head.path = path }
        head.headerFields[.transferEncoding] = nil
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        // The body was requested from the client and has arrived.
        head.headerFields[.expect] = nil
        let forwarded = head
        let client = context.channel.remoteAddress?.ipAddress
        context.forwarding.begin()
        let response = try await context.cancellingOnClientDisconnection {
            try await self.response(to: forwarded, body: body, client: client, maxBytes: Self.maxResponseBytes)
        }
        context.forwarding.setHasResponse()
        return Response(
            status: response.head.status,
            headers: response.head.headerFields,
            body: ResponseBody(byteBuffer: response.body)
        )
    }
}

/// How far a request was forwarded that a route of this service had read.
final class ForwardingProgress: Sendable {
    private let response = Atomic(false)
    private let beginning = Atomic(false)

    /// Whether the request's response is the core API's, to which nothing is added.
    var hasResponse: Bool { response.load(ordering: .relaxed) }

    /// Whether the core API may have received the request.
    var hasBegun: Bool { beginning.load(ordering: .relaxed) }

    func setHasResponse() { response.store(true, ordering: .relaxed) }

    func begin() { beginning.store(true, ordering: .relaxed) }
}
