public import HummingbirdCore
internal import Logging
public import Metrics
internal import NIOCore
public import Router

#if canImport(Musl)
    internal import Musl
#elseif canImport(Glibc)
    internal import Glibc
#endif

/// Limits the time and the number of connections, below HTTP.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let limits: ConnectionLimits
    private let registry: ConnectionRegistry
    private var activity: ConnectionActivity?
    private var context: ChannelHandlerContext?
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    init(limits: ConnectionLimits, registry: ConnectionRegistry) {
        self.limits = limits
        self.registry = registry
    }

    // MARK: Notifications from the messages on the connection

    /// A request's head is complete.
    func exchangeBegan() {
        guard let context, activity != nil else { return }
        if activity?.isIdle == true { registry.becameBusy(context.channel) }
        activity?.exchangeBegan()
        schedule(context)
    }

    /// Whether the response in progress is the core API's. It has no time limit for reading.
    var isForwarding: Bool {
        get { activity?.isForwarding ?? false }
        set {
            guard let context, let activity, activity.isForwarding != newValue else { return }
            self.activity?.forwardingChanged(to: newValue)
            schedule(context)
        }
    }

    /// A request was read completely, and answered.
    func exchangeEnded() {
        guard let context, activity != nil else { return }
        activity?.exchangeEnded(at: context.eventLoop.now)
        if activity?.isIdle == true { registry.becameIdle(context.channel) }
        schedule(context)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { open(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        close(context)
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        open(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        close(context)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        activity?.bytesArrived(at: context.eventLoop.now)
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Not for every read: most heads are complete with the read that contains their first byte.
        schedule(context)
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        activity?.writabilityChanged(to: context.channel.isWritable, at: context.eventLoop.now)
        schedule(context)
        context.fireChannelWritabilityChanged()
    }

    private func open(_ context: ChannelHandlerContext) {
        guard activity == nil else { return }
        switch registry.admit(context.channel) {
        case .admitted:
            break
        case .admittedInsteadOf(let other):
            registry.countClosed(.evicted)
            other.close(promise: nil)
        case .refused:
            registry.countClosed(.refused)
            context.close(promise: nil)
            return
        }
        activity = ConnectionActivity(openedAt: context.eventLoop.now)
        schedule(context)
    }

    private func close(_ context: ChannelHandlerContext) {
        guard activity != nil else { return }
        activity = nil
        timer?.task.cancel()
        timer = nil
        registry.remove(context.channel)
    }

    // MARK: Time

    /// At most one timer: if it fires too early, it is set again.
    private func schedule(_ context: ChannelHandlerContext) {
        guard let deadline = activity?.deadline(limits), deadline < timer?.deadline ?? .distantFuture else { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired(context) }
        timer = (deadline, task)
    }

    private func timerFired(_ context: ChannelHandlerContext) {
        timer = nil
        guard let activity else { return }
        if activity.deadline(limits) <= context.eventLoop.now {
            registry.countClosed(.timedOut)
            context.close(promise: nil)
        } else {
            schedule(context)
        }
    }
}

/// A connection type like `Base`, with a ``ConnectionHandler``.
struct LimitedChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let limits: ConnectionLimits
    let registry: ConnectionRegistry

    /// Every open connection keeps its last buffer. Most requests fit into the first one; an upload's buffers grow.
    private static var receiveBuffers: AdaptiveRecvByteBufferAllocator {
        AdaptiveRecvByteBufferAllocator(minimum: 512, initial: 1_024, maximum: 65_536)
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ConnectionHandler(limits: limits, registry: registry))
            // A closed connection accepts no options, and reports this itself.
            try? channel.syncOptions?.probeSilentClients(limits)
            try? channel.syncOptions?.setOption(.recvAllocator, value: Self.receiveBuffers)
        }
        .flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

extension NIOSynchronousChannelOptions {
    /// Lets TCP detect whether a silent client still exists, and whether it still reads, within `unreadTimeout`.
    fileprivate func probeSilentClients(_ limits: ConnectionLimits) throws {
        try probeSilentPeer(
            after: limits.keepaliveIdle,
            every: limits.keepaliveInterval,
            count: limits.keepaliveProbes
        )
        #if !canImport(Darwin)
            let unreadTimeout = SocketOptionValue(limits.unreadTimeout / .milliseconds(1))
            try setOption(.unreadTimeoutMilliseconds, value: unreadTimeout)
        #endif
    }
}

#if !canImport(Darwin)
    extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
        static var unreadTimeoutMilliseconds: Self {
            Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_USER_TIMEOUT))
        }
    }
#endif

extension HTTPServerBuilder {
    /// HTTP/1.1 without TLS, within limits. TLS ends in front of the service (Docs/TLS.md).
    ///
    /// - Parameters:
    ///   - limits: The limits for a client.
    ///   - draining: Decides when every response is the last one of its connection.
    ///   - metrics: Counts closed connections.
    ///   - router: Forwards the core API's requests; `nil` answers everything here.
    ///   - streams: The events that are merged into the core API's streams.
    public static func limited(
        _ limits: ConnectionLimits,
        draining: Draining = Draining(),
        metrics: any MetricsFactory = MetricsSystem.factory,
        router: CoreRouter? = nil,
        streams: RunStreamSource? = nil
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            // Idle connections are closed by the connection's handler.
            let http1 = HTTP1Channel(
                responder: responder,
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: handlers(limits, draining, router, streams),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: limits.maxHeaderFieldBytes,
                        maxHeaderListSize: limits.maxHeaderListBytes,
                        maxHeaderFieldCount: limits.maxHeaderFields
                    )
                )
            )
            let registry = ConnectionRegistry(maxConnections: limits.maxConnections, metrics: metrics)
            return LimitedChannel(base: http1, limits: limits, registry: registry)
        }
    }

    /// The handlers of messages on one connection.
    private static func handlers(
        _ limits: ConnectionLimits,
        _ draining: Draining,
        _ router: CoreRouter?,
        _ streams: RunStreamSource?
    ) -> [any RemovableChannelHandler] {
        let messages = MessageHandler(limits: limits, draining: draining, isForwarding: router != nil)
        guard let router else { return [messages] }
        return [messages, ForwardingHandler(router: router, streams: streams)]
    }
}
