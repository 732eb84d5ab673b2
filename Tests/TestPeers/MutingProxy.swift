import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on loopback that can stop forwarding while its sockets stay open, like a NAT or a load balancer that has
/// lost the state of a connection: the proxy's kernel acknowledges what is sent, and nothing is delivered.
public final class MutingProxy: Sendable {
    private struct State {
        var links: [Link] = []
        var isMute = false
        var channels: [any Channel] = []
    }

    /// Both halves of a forwarded connection.
    private final class Link: Sendable {
        private let mute: Atomic<Bool>

        init(isMute: Bool) {
            mute = Atomic(isMute)
        }

        var isMute: Bool { mute.load(ordering: .sequentiallyConsistent) }

        func stopForwarding() { mute.store(true, ordering: .sequentiallyConsistent) }
    }

    /// The port on 127.0.0.1.
    public let port: Int
    private let state: Mutex<State>

    private init(port: Int, state: consuming sending Mutex<State>) {
        self.port = port
        self.state = state
    }

    /// `127.0.0.1:port`.
    public var authority: String { "127.0.0.1:\(port)" }

    /// The number of connections accepted so far.
    public var connectionCount: Int { state.withLock { $0.links.count } }

    /// Stops forwarding on the connections that are open now; later ones work.
    public func muteOpenConnections() {
        for link in state.withLock({ $0.links }) { link.stopForwarding() }
    }

    /// Stops forwarding on open and later connections.
    public func muteAllConnections() {
        state.withLock { $0.isMute = true }
        muteOpenConnections()
    }

    /// Forwards on connections that are opened from now on.
    public func forwardNewConnections() {
        state.withLock { $0.isMute = false }
    }

    /// Runs a proxy while `body` runs, then closes all of its connections.
    ///
    /// - Parameter target: The port on 127.0.0.1 to which it forwards.
    public static func run<Result: Sendable>(
        to target: Int,
        _ body: @Sendable (MutingProxy) async throws -> Result
    ) async throws -> Result {
        let holder = Holder()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in holder.accept(channel, target: target) }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let proxy = MutingProxy(port: server.localAddress?.port ?? 0, state: Mutex(State()))
        holder.proxy.withLock { $0 = proxy }
        do {
            let result = try await body(proxy)
            await proxy.close(server)
            return result
        } catch {
            await proxy.close(server)
            throw error
        }
    }

    private func close(_ server: any Channel) async {
        try? await server.close()
        for channel in state.withLock({ $0.channels }) { try? await channel.close() }
    }

    /// The proxy as its listener sees it; the listener is created first.
    private final class Holder: Sendable {
        let proxy = Mutex<MutingProxy?>(nil)

        func accept(_ channel: any Channel, target: Int) -> EventLoopFuture<Void> {
            guard let proxy = proxy.withLock({ $0 }) else { return channel.close() }
            return proxy.accept(channel, target: target)
        }
    }

    private func accept(_ inbound: any Channel, target: Int) -> EventLoopFuture<Void> {
        let link = state.withLock { state in
            let link = Link(isMute: state.isMute)
            state.links.append(link)
            return link
        }
        return ClientBootstrap(group: inbound.eventLoop)
            .channelInitializer { outbound in
                outbound.eventLoop.makeCompletedFuture {
                    try outbound.pipeline.syncOperations.addHandler(Relay(link, to: inbound))
                }
            }
            .connect(host: "127.0.0.1", port: target)
            .flatMap { outbound in
                self.state.withLock { $0.channels += [inbound, outbound] }
                return inbound.eventLoop.makeCompletedFuture {
                    try inbound.pipeline.syncOperations.addHandler(Relay(link, to: outbound))
                }
            }
    }

    private final class Relay: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let link: Link
        private let other: any Channel

        init(_ link: Link, to other: any Channel) {
            self.link = link
            self.other = other
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            guard !link.isMute else { return }
            other.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            guard !link.isMute else { return }
            other.close(promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
