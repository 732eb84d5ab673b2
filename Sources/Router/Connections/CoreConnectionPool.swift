internal import Basics
internal import ChannelTLS
internal import HTTPTransport
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// The connections of one event loop to the core API. A forwarded request and its client's connection have the same event
/// loop, so that forwarding needs no other thread.
public final class CoreConnectionPool {
    private let address: CoreAddress
    /// Verifies the core API's certificate; `nil` without TLS.
    private let tls: TLSClientContext?
    private let limits: RouterLimits
    private let eventLoop: any EventLoop
    /// The one that was used last is the last.
    private var idle: [CoreConnection] = []
    private var isShutDown = false

    init(address: CoreAddress, tls: TLSClientContext?, limits: RouterLimits, eventLoop: any EventLoop) {
        self.address = address
        self.tls = tls
        self.limits = limits
        self.eventLoop = eventLoop
    }

    /// Calls `use` with an unused connection: at once if there is one, otherwise when it was made.
    ///
    /// - Parameter isNew: Whether only a new connection will do.
    func withConnection(isNew: Bool, _ use: @escaping (Result<CoreConnection, TransportError>) -> Void) {
        while !isNew, let connection = idle.popLast() {
            if connection.isUsable { return use(.success(connection)) }
        }
        connect(use)
    }

    /// Takes back a connection whose request was answered.
    func release(_ connection: CoreConnection) {
        if isShutDown || idle.count >= limits.maxIdleConnections {
            connection.close()
        } else {
            idle.append(connection)
        }
    }

    /// The connection has ended.
    func remove(_ connection: CoreConnection) {
        idle.removeAll { $0 === connection }
    }

    /// Closes the unused connections, and the others after their requests.
    func shutdown() {
        isShutDown = true
        for connection in idle { connection.close() }
        idle = []
    }

    private func connect(_ use: @escaping (Result<CoreConnection, TransportError>) -> Void) {
        let pool = NIOLoopBound(self, eventLoop: eventLoop)
        let deadline = eventLoop.now + TimeAmount(limits.connectTimeout)
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(limits.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try pool.value.addHandlers(to: channel) }
            }
            .connect(host: address.host, port: address.port)
            .flatMapThrowing { channel in
                NIOLoopBound(
                    try channel.pipeline.syncOperations.handler(type: CoreConnection.self),
                    eventLoop: channel.eventLoop
                )
            }
            .assumeIsolated()
            .whenComplete { result in
                switch result {
                case .success(let connection): connection.value.whenEstablished(before: deadline, use)
                case .failure(let error): use(.failure(TransportError(core: error)))
                }
            }
    }

    private func addHandlers(to channel: any Channel) throws {
        let pipeline = channel.pipeline.syncOperations
        // A closed connection accepts no options, and reports this itself.
        try? channel.syncOptions?.probeSilentPeer(
            after: limits.keepaliveIdle,
            every: limits.keepaliveInterval,
            count: limits.keepaliveProbes
        )
        // An idle connection keeps its last buffer; those of a download grow.
        try? channel.syncOptions?.setOption(.recvAllocator, value: Self.receiveBuffers)
        if let tls { try pipeline.addHandler(TLSHandler(client: tls, host: address.host)) }
        // The framing of a request is that of the client.
        var encoding = HTTPRequestEncoder.Configuration()
        encoding.automaticallySetFramingHeaders = false
        try pipeline.addHandler(HTTPRequestEncoder(configuration: encoding))
        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(informationalResponseStrategy: .forward)))
        try pipeline.addHandler(CoreConnection(limits: limits, hasTLS: tls != nil, pool: self))
    }

    private static var receiveBuffers: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 2_048, maximum: 65_536)
    }
}

/// Where the core API listens.
struct CoreAddress: Sendable {
    let host: String
    let port: Int
    let isTLS: Bool

    init(_ base: BaseURL) {
        isTLS = base.scheme == "https"
        var host = base.authority[...]
        var port = isTLS ? 443 : 80
        if let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") {
            port = Int(host[host.index(after: colon)...]) ?? port
            host = host[..<colon]
        }
        if host.first == "[" { host = host.dropFirst().dropLast() }
        self.host = String(host)
        self.port = port
    }
}
