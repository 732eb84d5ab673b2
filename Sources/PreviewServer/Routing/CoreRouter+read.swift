internal import HTTPTransport
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Router
internal import Synchronization

extension CoreRouter {
    /// The longest answer to a request of which a route of this service has read the body.
    private static let maxAnswerBytes = 1 << 20

    /// Passes on a request that one of this service's routes has read, and found to be the core API's.
    ///
    /// - Parameter body: What it read.
    /// - Returns: The core API's answer, or why there is none.
    func pass(_ request: Request, body: ByteBuffer, context: PreviewRequestContext) async throws -> Response {
        var head = request.head
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        let routed = RoutedRequest(
            head: head,
            body: .bytes(Array(body.readableBytesView)),
            client: context.channel.remoteAddress?.ipAddress
        )
        let collected = Mutex<Response?>(nil)
        try await pass(routed) { answer in
            let bytes: [UInt8]
            switch answer.body {
            case .bytes(let own): bytes = own
            case .stream(let response): bytes = try await response.body.collect(maxBytes: Self.maxAnswerBytes)
            }
            let response = Response(
                status: answer.head.status,
                headers: answer.head.headerFields,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            )
            collected.withLock { $0 = response }
        }
        guard let response = collected.withLock({ $0 }) else { throw CancellationError() }
        context.passedOn.set()
        return response
    }
}

/// Whether a request's answer is the core API's, to which nothing is added.
final class PassedOnMark: Sendable {
    private let mark = Atomic(false)

    var isSet: Bool { mark.load(ordering: .relaxed) }

    func set() { mark.store(true, ordering: .relaxed) }
}
