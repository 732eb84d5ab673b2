import NIOCore
import NIOPosix
import Synchronization

/// An app on loopback with responses that stay open: WebSockets that echo what they receive, and event streams that
/// send what the test chooses. A test can therefore check on both sides whether bytes still pass a proxy, without
/// waiting for time to pass.
///
/// It implements only as much HTTP/1.1 as a proxy needs, and no WebSocket frames, because a proxy forwards bytes.
public final class StreamingApp: Sendable {
    /// The port on 127.0.0.1.
    public let port: Int
    private let state: State

    private init(port: Int, state: State) {
        self.port = port
        self.state = state
    }

    /// The heads of all requests so far.
    public var heads: [String] { state.heads.withLock { $0 } }

    /// Runs an app while `body` runs.
    public static func run<Result: Sendable>(
        _ body: @Sendable (StreamingApp) async throws -> Result
    ) async throws -> Result {
        let state = State()
        let channel = try await ServerBootstrap.loopback { try $0.addHandler(Handler(state: state)) }
        return try await channel.whileOpen { try await body(StreamingApp(port: $0, state: state)) }
    }

    /// Sends an event to every open event stream.
    public func send(event: String) {
        let text = "data: \(event)\n\n"
        let chunk = ByteBuffer(string: "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
        for channel in state.streams.withLock({ $0 }) { channel.writeAndFlush(chunk, promise: nil) }
    }

    /// Closes every connection, as the end of its process would.
    public func closeConnections() {
        for channel in state.connections.withLock({ $0 }) { channel.close(promise: nil) }
    }

    private final class State: Sendable {
        let heads = Mutex<[String]>([])
        let connections = Mutex<[any Channel]>([])
        let streams = Mutex<[any Channel]>([])
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let state: State
        private var received = ""
        private var isRepeating = false

        init(state: State) {
            self.state = state
        }

        func channelActive(context: ChannelHandlerContext) {
            let channel = context.channel
            state.connections.withLock { $0.append(channel) }
        }

        func channelInactive(context: ChannelHandlerContext) {
            let channel = context.channel
            state.connections.withLock { $0.removeAll { $0 === channel } }
            state.streams.withLock { $0.removeAll { $0 === channel } }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            guard !isRepeating else {
                context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
                return
            }
            received += String(buffer: buffer)
            while !isRepeating, let end = received.firstRange(of: "\r\n\r\n") {
                let head = String(received[..<end.lowerBound])
                received = String(received[end.upperBound...])
                state.heads.withLock { $0.append(head) }
                answer(head, context: context)
            }
        }

        private func answer(_ head: String, context: ChannelHandlerContext) {
            let text: String
            if head.lowercased().contains("\r\nupgrade: websocket") {
                isRepeating = true
                text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
            } else if head.hasPrefix("GET /events ") {
                let channel = context.channel
                state.streams.withLock { $0.append(channel) }
                text =
                    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            } else {
                text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
