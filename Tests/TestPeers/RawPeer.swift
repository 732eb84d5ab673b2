import NIOCore
import NIOPosix
import Synchronization

/// A peer on loopback that answers with exactly the bytes that a test chooses, also those that no ordinary server
/// sends.
public final class RawPeer: Sendable {
    /// The answer to a request.
    public struct Response: Sendable {
        /// What happens to the connection after the bytes.
        public enum End: Sendable {
            case keepOpen
            case close
            /// An RST instead of a FIN.
            case reset
        }

        public var bytes: String
        public var end: End
        /// Whether no further connection is accepted, beginning before `end`.
        public var refusesConnections: Bool

        /// Sends `bytes`, then, when the kernel has them, does `end`.
        public init(_ bytes: String, then end: End, refusesConnections: Bool = false) {
            self.bytes = bytes
            self.end = end
            self.refusesConnections = refusesConnections
        }

        /// A complete response with a JSON body.
        public static func json(_ status: Int, _ body: String, _ fields: [String: String] = [:]) -> Response {
            let lines = fields.map { "\($0): \($1)\r\n" }.joined()
            return Response(
                """
                HTTP/1.1 \(status) Status\r\nContent-Type: application/json\r\n\
                Content-Length: \(body.utf8.count)\r\n\(lines)\r\n\(body)
                """,
                then: .keepOpen
            )
        }
    }

    /// Called with the number of requests before this one, on all connections, and with the request's head, when the request
    /// has arrived with its body.
    public typealias Script = @Sendable (_ index: Int, _ head: String) -> Response

    /// The port on 127.0.0.1.
    public let port: Int
    private let log: Log

    private init(port: Int, log: Log) {
        self.port = port
        self.log = log
    }

    /// `127.0.0.1:port`.
    public var authority: String { "127.0.0.1:\(port)" }

    /// The heads of all requests so far, as they were on the wire.
    public var heads: [String] { log.requests.withLock { $0.map(\.head) } }

    /// The bodies of all requests so far.
    public var bodies: [String] { log.requests.withLock { $0.map(\.body) } }

    /// The number of connections so far.
    public var connectionCount: Int { log.connections.withLock { $0 } }

    /// The number of open connections.
    public var openConnectionCount: Int { log.openConnections.withLock { $0 } }

    /// Runs a peer while `body` runs.
    public static func run<Result: Sendable>(
        _ script: @escaping Script,
        _ body: @Sendable (RawPeer) async throws -> Result
    ) async throws -> Result {
        let log = Log()
        let channel = try await ServerBootstrap.loopback { try $0.addHandler(Handler(script: script, log: log)) }
        return try await channel.whileOpen { try await body(RawPeer(port: $0, log: log)) }
    }

    private final class Log: Sendable {
        let requests = Mutex<[(head: String, body: String)]>([])
        let connections = Mutex(0)
        let openConnections = Mutex(0)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let script: Script
        private let log: Log
        private var received = ""

        init(script: @escaping Script, log: Log) {
            self.script = script
            self.log = log
        }

        func channelActive(context: ChannelHandlerContext) {
            log.connections.withLock { $0 += 1 }
            log.openConnections.withLock { $0 += 1 }
        }

        func channelInactive(context: ChannelHandlerContext) {
            log.openConnections.withLock { $0 -= 1 }
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            received += String(buffer: unwrapInboundIn(data))
            while let end = received.firstRange(of: "\r\n\r\n") {
                let head = String(received[..<end.lowerBound])
                let rest = received[end.upperBound...].utf8
                let length = contentLength(in: head)
                guard rest.count >= length else { return }
                let index = log.requests.withLock { requests in
                    requests.append((head, String(rest.prefix(length)) ?? ""))
                    return requests.count - 1
                }
                received = String(rest.dropFirst(length)) ?? ""
                perform(script(index, head), context: context)
            }
        }

        private func contentLength(in head: String) -> Int {
            let prefix = "Content-Length: "
            let line = head.split(separator: "\r\n").first { $0.hasPrefix(prefix) }
            return line.flatMap { Int($0.dropFirst(prefix.count)) } ?? 0
        }

        private func perform(_ answer: Response, context: ChannelHandlerContext) {
            let sent = context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer.bytes)))
            let (channel, end) = (context.channel, answer.end)
            guard answer.refusesConnections, let listener = channel.parent else {
                return sent.whenComplete { _ in Self.perform(end, on: channel) }
            }
            listener.close().hop(to: channel.eventLoop).whenComplete { _ in Self.perform(end, on: channel) }
        }

        private static func perform(_ end: Response.End, on channel: any Channel) {
            switch end {
            case .keepOpen:
                break
            case .close:
                channel.close(promise: nil)
            case .reset:
                // A linger time of zero makes the kernel send RST. The value has the layout of C's `linger`.
                let linger = SIMD2<Int32>(1, 0)
                let options = channel as? any SocketOptionProvider
                _ = options?.unsafeSetSocketOption(level: .socket, name: .so_linger, value: linger)
                channel.close(promise: nil)
            }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
