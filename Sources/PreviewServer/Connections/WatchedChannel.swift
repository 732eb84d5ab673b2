internal import HummingbirdCore
internal import Logging
internal import NIOCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

/// A kind of connection like `Base`, under the watch of a ``ConnectionHandler``.
struct WatchedChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let limits: ConnectionLimits
    let registry: ConnectionRegistry

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ConnectionHandler(limits: limits, registry: registry))
            // A connection that is over already takes no options, and says so itself.
            try? channel.syncOptions?.probeSilentPeers(limits)
        }
        .flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

extension NIOSynchronousChannelOptions {
    /// Lets TCP find out whether a silent peer still exists, within `keepaliveIdle + keepaliveProbes * keepaliveInterval`.
    fileprivate func probeSilentPeers(_ limits: ConnectionLimits) throws {
        try setOption(.socketOption(.so_keepalive), value: 1)
        try setOption(.keepaliveIdle, value: SocketOptionValue(limits.keepaliveIdle.components.seconds))
        try setOption(.keepaliveInterval, value: SocketOptionValue(limits.keepaliveInterval.components.seconds))
        try setOption(.keepaliveProbes, value: SocketOptionValue(limits.keepaliveProbes))
    }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    static var keepaliveIdle: Self {
        #if canImport(Darwin)
            Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPALIVE))
        #else
            Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE))
        #endif
    }

    static var keepaliveInterval: Self { Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)) }

    static var keepaliveProbes: Self { Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)) }
}
