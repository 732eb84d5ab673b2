import COpenSSL
import DevelopmentCertificates
import NIOCore
import NIOEmbedded
import Testing

@testable import ChannelTLS

/// A protocol version that both sides support.
enum TLSVersion: Int32, CaseIterable {
    case tls12 = 0x0303
    case tls13 = 0x0304
}

/// One embedded channel with a ``TLSHandler``.
final class TLSPeer {
    let channel = EmbeddedChannel()
    let handler: TLSHandler
    /// Between the connection and the TLS handler.
    let connection = ConnectionRecorder()
    /// Next to the TLS handler, on the application's side.
    let application = ApplicationRecorder()

    init(_ handler: TLSHandler) throws {
        self.handler = handler
        try channel.pipeline.syncOperations.addHandlers([connection, handler, application])
    }

    deinit {
        // An open channel and its handlers own each other.
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    func activate() throws {
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
    }

    /// Writes data and flushes it.
    func send(_ bytes: [UInt8], promise: EventLoopPromise<Void>? = nil) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: promise)
    }

    /// The bytes that the channel has sent since the last call.
    func takeSent() throws -> [UInt8] {
        channel.embeddedEventLoop.run()
        var bytes: [UInt8] = []
        while let buffer = try channel.readOutbound(as: ByteBuffer.self) {
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        return bytes
    }

    /// Passes bytes to the channel, as one read.
    func arrive(_ bytes: [UInt8]) throws {
        guard channel.isActive else { return }
        try channel.writeInbound(ByteBuffer(bytes: bytes))
    }
}

/// A client and a server whose bytes the test passes on.
struct TLSPair {
    let client: TLSPeer
    let server: TLSPeer

    /// - Parameters:
    ///   - host: The host for which the client verifies the certificate.
    ///   - version: The newest version of the server.
    ///   - trusted: The authorities that the client trusts.
    ///   - server: The server's context.
    init(host: String = "localhost", trusted: CertificateAuthority, server: TLSServerContext) throws {
        let context = try TLSClientContext(authoritiesPEM: Array(trusted.certificatePEM.utf8))
        client = try TLSPeer(TLSHandler(client: context, host: host))
        self.server = try TLSPeer(TLSHandler(server: server))
    }

    /// Connects the two, without a handshake.
    func activate() throws {
        try client.activate()
        try server.activate()
    }

    /// Passes bytes in both directions until there are none, in reads of at most `readBytes` bytes.
    func exchange(readBytes: Int = .max) throws {
        while true {
            let (fromClient, fromServer) = (try client.takeSent(), try server.takeSent())
            guard !fromClient.isEmpty || !fromServer.isEmpty else { return }
            for part in fromClient.parts(of: readBytes) { try server.arrive(part) }
            for part in fromServer.parts(of: readBytes) { try client.arrive(part) }
        }
    }

    /// A client and a server after the handshake.
    static func connected(_ version: TLSVersion = .tls13) throws -> TLSPair {
        let authority = try CertificateAuthority()
        let pair = try TLSPair(trusted: authority, server: TLSServerContext(authority.issue(), newest: version))
        try pair.activate()
        try pair.exchange()
        try #require(pair.client.application.events == [.handshakeCompleted])
        try #require(pair.server.application.events == [.handshakeCompleted])
        return pair
    }
}

extension TLSServerContext {
    convenience init(_ identity: CertificateAuthority.Identity, newest version: TLSVersion = .tls13) throws {
        try self.init(
            certificatePEM: Array(identity.certificatePEM.utf8),
            privateKeyPEM: Array(identity.privateKeyPEM.utf8)
        )
        SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(version.rawValue), nil)
    }
}

extension [UInt8] {
    func parts(of count: Int) -> [[UInt8]] {
        guard self.count > count else { return [self] }
        return stride(from: 0, to: self.count, by: count).map { Array(self[$0..<Swift.min($0 + count, self.count)]) }
    }

    /// Bytes in which no two records are equal.
    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }
}

/// What a handler on the application's side observes.
enum ApplicationEvent: Equatable {
    case handshakeCompleted
    case failure(TLSFailure)
    case inputClosed
    case inactive
}

extension [ApplicationEvent] {
    /// The events without libssl's texts, which depend on its version.
    var withoutDetails: [ApplicationEvent] {
        map { event in
            switch event {
            case .failure(.handshake(let reason, _)): .failure(.handshake(reason, detail: ""))
            case .failure(.protocolViolation): .failure(.protocolViolation(detail: ""))
            default: event
            }
        }
    }
}

final class ApplicationRecorder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private(set) var events: [ApplicationEvent] = []
    private(set) var received: [UInt8] = []
    private(set) var reads = 0
    /// Called after each read, with what was read.
    var onRead: ((ChannelHandlerContext) -> Void)?
    /// Called when the handshake is complete.
    var onHandshake: ((ChannelHandlerContext) -> Void)?

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.append(contentsOf: unwrapInboundIn(data).readableBytesView)
        reads += 1
        onRead?(context)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is TLSHandshakeCompleted {
            events.append(.handshakeCompleted)
            onHandshake?(context)
        }
        if event as? ChannelEvent == .inputClosed { events.append(.inputClosed) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let failure = error as? TLSFailure {
            events.append(.failure(failure))
        } else {
            Issue.record(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        events.append(.inactive)
    }
}

/// What a connection observes of the handlers. Closing its input or output alone has no further effect.
final class ConnectionRecorder: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer

    private(set) var reads = 0
    private(set) var writes = 0
    private(set) var isOutputClosed = false
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        reads += 1
        context.read()
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        writes += 1
        context.write(data, promise: promise)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .all else { return context.close(mode: mode, promise: promise) }
        if mode == .output { isOutputClosed = true }
        promise?.succeed()
    }

    /// The connection ends: the TLS handler learns it as from a socket.
    func end() {
        context?.close(promise: nil)
    }

    /// Only the connection's input ends.
    func endInput() {
        context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }
}
