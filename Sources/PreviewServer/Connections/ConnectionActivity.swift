internal import NIOCore

/// Tracks the state of a connection and the deadline of that state: a pure state machine.
struct ConnectionActivity {
    private enum Phase {
        case readingHead(since: NIODeadline)
        case idle(since: NIODeadline)
        case serving
    }

    private var phase: Phase
    private var blockedSince: NIODeadline?
    /// True while the response in progress comes from the core API.
    private(set) var isForwarding = false
    /// True while the client has not read the end of a response of the core API.
    private var isForwardedUnread = false

    init(openedAt now: NIODeadline) {
        phase = .readingHead(since: now)
    }

    /// True while no request is being read or answered.
    var isIdle: Bool {
        if case .serving = phase { false } else { true }
    }

    /// Bytes were read. On an idle connection they begin a request.
    mutating func bytesArrived(at now: NIODeadline) {
        if case .idle = phase { phase = .readingHead(since: now) }
    }

    /// A request's head is complete.
    mutating func exchangeBegan() {
        phase = .serving
    }

    /// A request was read completely, and answered.
    mutating func exchangeEnded(at now: NIODeadline) {
        phase = .idle(since: now)
    }

    /// The connection accepts more bytes to send, or does not.
    mutating func writabilityChanged(to isWritable: Bool, at now: NIODeadline) {
        blockedSince = isWritable ? nil : blockedSince ?? now
        guard isWritable, isForwardedUnread else { return }
        isForwardedUnread = false
        if case .idle = phase { phase = .idle(since: now) }
    }

    /// The response in progress comes from the core API, or no longer. Only this service's own responses have to be
    /// read within a time limit: a connection on which bytes flow slowly does not accept more for longer than that.
    mutating func forwardingChanged(to isForwarding: Bool) {
        self.isForwarding = isForwarding
        isForwardedUnread = !isForwarding && blockedSince != nil
    }

    /// When the connection is to be closed unless something happens before.
    func deadline(_ limits: ConnectionLimits) -> NIODeadline {
        let mayBlock = isForwarding || isForwardedUnread
        let blocked = mayBlock ? nil : blockedSince.map { $0 + TimeAmount(limits.writeTimeout) }
        switch phase {
        case .readingHead(let since):
            return min(blocked ?? .distantFuture, since + TimeAmount(limits.headTimeout))
        case .idle where isForwardedUnread:
            return .distantFuture
        case .idle(let since):
            return min(blocked ?? .distantFuture, since + TimeAmount(limits.idleTimeout))
        case .serving:
            return blocked ?? .distantFuture
        }
    }
}

/// The limits for an unauthenticated client: connections, bytes and time.
///
/// Beyond a limit the client gets an error if HTTP still allows one, and its connection is closed.
public struct ConnectionLimits: Hashable, Sendable {
    /// The largest number of connections. A further one closes the connection that was without a request for the
    /// longest time; if all are busy, the new one is closed.
    public var maxConnections = 4_096
    /// The time from a connection's first byte, or from the first byte after a pause, until a request's head is
    /// complete.
    public var headTimeout = Duration.seconds(10)
    /// The time from a request's head until its body is complete.
    public var bodyTimeout = Duration.seconds(10)
    /// The time between two requests on one connection. It is longer than the 60 s that load balancers commonly keep
    /// an idle connection, so that the balancer is the one to close it.
    public var idleTimeout = Duration.seconds(75)
    /// How long a client may not read what is sent to it.
    public var writeTimeout = Duration.seconds(30)
    /// After how much silence TCP probes whether the client's machine still exists. A stream without events stays open
    /// as long as its client, which may have disappeared without closing the connection.
    public var keepaliveIdle = Duration.seconds(60)
    /// The interval of further TCP probes.
    public var keepaliveInterval = Duration.seconds(15)
    /// The number of consecutive unanswered probes after which the kernel closes the connection.
    public var keepaliveProbes = 4
    /// How long TCP keeps a connection whose client accepts none of the bytes that are sent to it. A forwarded response
    /// may be read slowly, and has no other limit. For a silent client this time replaces the number of probes
    /// (tcp(7), `TCP_USER_TIMEOUT`), so it is the time that these take.
    public var unreadTimeout = Duration.seconds(120)
    /// The time and the bytes for which a connection is still read after its last response, so that the response
    /// arrives: closing at once would reset the connection (RFC 9112, 9.6).
    public var lingerTimeout = Duration.seconds(2)
    public var maxLingeringBytes = 1 << 20
    /// The longest request body, in bytes.
    public var maxBodyBytes = PreviewRequestContext.maxBodyBytes
    /// The longest header field, and the longest request line, in bytes. Access tokens are the longest values.
    public var maxHeaderFieldBytes = 8 * 1_024
    /// All header fields of a request together, in bytes.
    public var maxHeaderListBytes = 16 * 1_024
    /// The most header fields of a request.
    public var maxHeaderFields = 100

    public init() {}

    /// Allows heads of the size that the core API accepts (Kestrel's limit), since they are forwarded.
    public mutating func allowLargeHeads() {
        maxHeaderFieldBytes = 32 * 1_024
        maxHeaderListBytes = 32 * 1_024
    }
}

/// Reads the first bytes of each request on an HTTP/1 connection, since for a request that it cannot read, the parser
/// does not say whether it was a `HEAD`. After the last request it discards what still arrives.
///
/// A request that arrived in the same read as the end of the previous one is not observed. An error in it ends the
/// connection in any case.
final class RequestStart: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        /// The number of bytes that match those of a `HEAD`.
        case matching(Int)
        case decided(isHEAD: Bool)
        /// The parser has stopped, and would collect everything that still arrives.
        case discarding
    }

    private static let method = Array("HEAD ".utf8)

    private var state = State.matching(0)

    /// Whether the request that is being read begins as a `HEAD`.
    var isHEAD: Bool {
        if case .decided(isHEAD: true) = state { true } else { false }
    }

    /// A request was read completely.
    ///
    /// - Parameter isLast: Whether the parser reads no further one.
    func requestEnded(isLast: Bool) {
        state = isLast ? .discarding : .matching(0)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .matching(let count): match(unwrapInboundIn(data), matched: count)
        case .decided: break
        case .discarding: return
        }
        context.fireChannelRead(data)
    }

    private func match(_ bytes: ByteBuffer, matched: Int) {
        var matched = matched
        for byte in bytes.readableBytesView {
            // Empty lines before a request are ignored (RFC 9112, 2.2).
            if matched == 0, byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { continue }
            guard byte == Self.method[matched] else {
                state = .decided(isHEAD: false)
                return
            }
            matched += 1
            if matched == Self.method.count {
                state = .decided(isHEAD: true)
                return
            }
        }
        state = .matching(matched)
    }
}
