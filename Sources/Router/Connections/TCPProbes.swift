package import NIOCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Glibc
#endif

extension NIOSynchronousChannelOptions {
    /// Lets TCP detect whether a silent peer still exists, within `idle + count * interval`: a connection without data stays
    /// open as long as its peer, which may have disappeared without closing it.
    ///
    /// - Parameters:
    ///   - idle: The silence before the first probe.
    ///   - interval: The interval of further probes.
    ///   - count: The number of consecutive unanswered probes after which the kernel closes the connection.
    package func probeSilentPeer(after idle: Duration, every interval: Duration, count: Int) throws {
        try setOption(.socketOption(.so_keepalive), value: 1)
        try setOption(.keepaliveIdle, value: SocketOptionValue(idle.components.seconds))
        try setOption(.keepaliveInterval, value: SocketOptionValue(interval.components.seconds))
        try setOption(.keepaliveProbes, value: SocketOptionValue(count))
    }
}

extension ChannelOption where Self == ChannelOptions.Types.SocketOption {
    package static var keepaliveIdle: Self {
        #if canImport(Darwin)
            Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPALIVE))
        #else
            Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE))
        #endif
    }

    package static var keepaliveInterval: Self { Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)) }

    package static var keepaliveProbes: Self { Self(level: .tcp, name: NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)) }
}
