public import DevelopmentCertificates
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP/2 peer on loopback that answers each request with exactly the frames that a test chooses (RFC 9113), for
/// refusals that no ordinary server can be made to send.
public final class HTTP2FramePeer: Sendable {
    /// The reply to a complete request.
    public enum Reply: Sendable {
        /// Status 200 without a body.
        case ok
        /// RST_STREAM with this error code: 2 is INTERNAL_ERROR, 7 is REFUSED_STREAM.
        case reset(errorCode: UInt32)
        /// GOAWAY that excludes the request, then the connection stays open.
        case goAwayBefore
        /// As `goAwayBefore`, once no further connection is accepted.
        case goAwayBeforeAndRefuseConnections
        /// GOAWAY that includes the request, then the end of the connection without an answer.
        case goAwayAfterAndClose
        /// Closes the connection.
        case close
        /// Sends nothing.
        case silence
    }

    /// The port on 127.0.0.1.
    public let port: Int
    private let log: Log

    private init(port: Int, log: Log) {
        self.port = port
        self.log = log
    }

    /// `127.0.0.1:port`.
    public var authority: String { "127.0.0.1:\(port)" }

    /// The number of complete requests so far, on all connections.
    public var requestCount: Int { log.requestCount.withLock { $0 } }
    /// The number of accepted connections.
    public var connectionCount: Int { log.connectionCount.withLock { $0 } }

    /// Runs a peer while `body` runs.
    ///
    /// - Parameter reply: Called with the number of requests before this one, on all connections.
    public static func run<Result: Sendable>(
        _ identity: CertificateAuthority.Identity,
        reply: @escaping @Sendable (_ index: Int) -> Reply,
        _ body: @Sendable (HTTP2FramePeer) async throws -> Result
    ) async throws -> Result {
        let log = Log()
        let certificates = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8))
        let key = try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificates.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.applicationProtocols = ["h2"]
        let tls = try NIOSSLContext(configuration: configuration)
        let server = try await ServerBootstrap.loopback { pipeline in
            try pipeline.addHandler(NIOSSLServerHandler(context: tls))
            try pipeline.addHandler(Handler(reply: reply, log: log))
        }
        return try await server.whileOpen { try await body(HTTP2FramePeer(port: $0, log: log)) }
    }

    private final class Log: Sendable {
        let requestCount = Mutex(0)
        let connectionCount = Mutex(0)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private enum FrameType {
            static let data: UInt8 = 0
            static let headers: UInt8 = 1
            static let resetStream: UInt8 = 3
            static let settings: UInt8 = 4
            static let goAway: UInt8 = 7
        }

        private static let prefaceLength = 24
        private static let headLength = 9
        /// END_STREAM on DATA and HEADERS, ACK on SETTINGS.
        private static let firstFlag: UInt8 = 0x1
        private static let endHeaders: UInt8 = 0x4
        /// `:status: 200`, an entry of HPACK's static table.
        private static let statusOK: [UInt8] = [0x88]

        private let reply: @Sendable (Int) -> Reply
        private let log: Log
        private var received = ByteBuffer()
        private var hasPreface = false

        init(reply: @escaping @Sendable (Int) -> Reply, log: Log) {
            self.reply = reply
            self.log = log
        }

        func channelActive(context: ChannelHandlerContext) {
            log.connectionCount.withLock { $0 += 1 }
            context.fireChannelActive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            if !hasPreface {
                guard received.readBytes(length: Self.prefaceLength) != nil else { return }
                hasPreface = true
                send(FrameType.settings, 0, on: 0, [], context)
            }
            while let frame = readFrame() {
                switch frame.type {
                case FrameType.settings where frame.flags & Self.firstFlag == 0:
                    send(FrameType.settings, Self.firstFlag, on: 0, [], context)
                case FrameType.headers, FrameType.data:
                    if frame.flags & Self.firstFlag != 0 { answer(frame.stream, context) }
                default:
                    break
                }
            }
        }

        private func readFrame() -> (type: UInt8, flags: UInt8, stream: UInt32)? {
            let start = received.readerIndex
            guard received.readableBytes >= Self.headLength, let high = received.readInteger(as: UInt8.self),
                let low = received.readInteger(as: UInt16.self), let type = received.readInteger(as: UInt8.self),
                let flags = received.readInteger(as: UInt8.self), let stream = received.readInteger(as: UInt32.self),
                received.readSlice(length: Int(high) << 16 + Int(low)) != nil
            else {
                received.moveReaderIndex(to: start)
                return nil
            }
            return (type, flags, stream)
        }

        private func answer(_ stream: UInt32, _ context: ChannelHandlerContext) {
            let index = log.requestCount.withLock { count in
                count += 1
                return count - 1
            }
            switch reply(index) {
            case .ok:
                send(FrameType.headers, Self.firstFlag | Self.endHeaders, on: stream, Self.statusOK, context)
            case .reset(let errorCode):
                send(FrameType.resetStream, 0, on: stream, Self.bytes(errorCode), context)
            case .goAwayBefore:
                goAway(before: stream, context)
            case .goAwayBeforeAndRefuseConnections:
                guard let listener = context.channel.parent else { return }
                listener.close().hop(to: context.eventLoop).assumeIsolated().whenComplete { _ in
                    self.goAway(before: stream, context)
                }
            case .goAwayAfterAndClose:
                send(FrameType.goAway, 0, on: 0, Self.bytes(stream) + Self.bytes(0), context)
                context.close(promise: nil)
            case .close:
                context.close(promise: nil)
            case .silence:
                break
            }
        }

        private func goAway(before stream: UInt32, _ context: ChannelHandlerContext) {
            send(FrameType.goAway, 0, on: 0, Self.bytes(max(stream, 2) - 2) + Self.bytes(0), context)
        }

        private static func bytes(_ value: UInt32) -> [UInt8] {
            [UInt8(truncatingIfNeeded: value >> 24), UInt8(truncatingIfNeeded: value >> 16)]
                + [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
        }

        private func send(
            _ type: UInt8,
            _ flags: UInt8,
            on stream: UInt32,
            _ payload: [UInt8],
            _ context: ChannelHandlerContext
        ) {
            var buffer = context.channel.allocator.buffer(capacity: Self.headLength + payload.count)
            buffer.writeInteger(UInt8(truncatingIfNeeded: payload.count >> 16))
            buffer.writeInteger(UInt16(truncatingIfNeeded: payload.count))
            buffer.writeInteger(type)
            buffer.writeInteger(flags)
            buffer.writeInteger(stream)
            buffer.writeBytes(payload)
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
