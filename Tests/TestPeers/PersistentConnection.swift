internal import NIOCore
internal import NIOPosix

/// A proxy's connection to a server on loopback. It is used for one request after the other, and no request is sent
/// twice, so that the test sees whatever the server does to the connection.
public final class PersistentConnection: Sendable {
    /// A response.
    public struct Response: Hashable, Sendable {
        public let status: Int
        public let body: String
        /// The value of `Retry-After`, in seconds.
        public let retryAfter: Int?
        /// False if the server announced that it closes the connection.
        public let isKept: Bool
    }

    /// The server closed the connection before it responded.
    public struct ConnectionClosed: Error {}

    private struct Exchange {
        let request: String
        let answer: EventLoopPromise<Response>
    }

    private let channel: any Channel

    private init(_ channel: any Channel) {
        self.channel = channel
    }

    /// Connects to a port on 127.0.0.1.
    public static func open(to port: Int) async throws -> PersistentConnection {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler())
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
        return PersistentConnection(channel)
    }

    /// A request with a JSON body and a bearer token, as on the wire.
    public static func request(_ method: String, _ path: String, body: String = "", bearer: String) -> String {
        """
        \(method) \(path) HTTP/1.1\r
        Host: service\r
        Authorization: Bearer \(bearer)\r
        Content-Type: application/json\r
        Content-Length: \(body.utf8.count)\r
        \r
        \(body)
        """
    }

    /// False after the server has closed the connection.
    public var isOpen: Bool { channel.isActive }

    /// Sends one request and reads the response, which must have a `Content-Length`.
    ///
    /// - Parameter request: The whole request, as on the wire.
    /// - Throws: ``ConnectionClosed``, or the error of the write.
    public func exchange(_ request: String) async throws -> Response {
        let answer = channel.eventLoop.makePromise(of: Response.self)
        channel.writeAndFlush(Exchange(request: request, answer: answer)).whenFailure { answer.fail($0) }
        return try await answer.futureResult.get()
    }

    public func close() {
        channel.close(promise: nil)
    }

    private final class Handler: ChannelDuplexHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundIn = Exchange
        typealias OutboundOut = ByteBuffer

        private var received = ""
        private var pending: EventLoopPromise<Response>?

        func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
            let exchange = unwrapOutboundIn(data)
            pending = exchange.answer
            context.write(wrapOutboundOut(ByteBuffer(string: exchange.request)), promise: promise)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            guard let answer = takeResponse() else { return }
            let pending = pending
            self.pending = nil
            pending?.succeed(answer)
        }

        private func takeResponse() -> Response? {
            guard let end = received.firstRange(of: "\r\n\r\n") else { return nil }
            let lines = received[..<end.lowerBound].split(separator: "\r\n")
            let fields = lines.dropFirst().map { $0.lowercased() }
            let length = fields.first { $0.hasPrefix("content-length: ") }.flatMap { Int($0.dropFirst(16)) } ?? 0
            let body = received[end.upperBound...].utf8
            guard body.count >= length, let status = lines.first?.split(separator: " ").dropFirst().first else {
                return nil
            }
            let answer = Response(
                status: Int(status) ?? 0,
                body: String(body.prefix(length)) ?? "",
                retryAfter: fields.first { $0.hasPrefix("retry-after: ") }.flatMap { Int($0.dropFirst(13)) },
                isKept: !fields.contains("connection: close")
            )
            received = String(body.dropFirst(length)) ?? ""
            return answer
        }

        func channelInactive(context: ChannelHandlerContext) {
            pending?.fail(ConnectionClosed())
            pending = nil
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            pending?.fail(error)
            pending = nil
            context.close(promise: nil)
        }
    }
}
