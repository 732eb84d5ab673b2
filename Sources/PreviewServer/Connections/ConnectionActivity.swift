internal import NIOCore

/// What a connection is busy with, and until when it may go on like that: a pure state machine.
struct ConnectionActivity {
    private enum Phase {
        case readingHead(since: NIODeadline)
        case idle(since: NIODeadline)
        case serving
    }

    private var phase: Phase
    private var blockedSince: NIODeadline?
    /// True while the answer under way is somebody else's.
    private(set) var isPassingOn = false

    init(openedAt now: NIODeadline) {
        phase = .readingHead(since: now)
    }

    /// True while no request is read or answered.
    var isIdle: Bool {
        if case .serving = phase { false } else { true }
    }

    /// Bytes came in. On an idle connection they begin a request.
    mutating func bytesArrived(at now: NIODeadline) {
        if case .idle = phase { phase = .readingHead(since: now) }
    }

    /// A request's head is complete.
    mutating func exchangeBegan() {
        phase = .serving
    }

    /// A request was read to its end, and answered.
    mutating func exchangeEnded(at now: NIODeadline) {
        phase = .idle(since: now)
    }

    /// The connection takes more bytes to send, or does not.
    mutating func writabilityChanged(to isWritable: Bool, at now: NIODeadline) {
        blockedSince = isWritable ? nil : blockedSince ?? now
    }

    /// The answer under way is somebody else's, or no longer. Only what this service answers has to be read in time: a
    /// connection on which bytes flow slowly takes none for longer than that.
    mutating func passingOn(_ isPassingOn: Bool, at now: NIODeadline) {
        self.isPassingOn = isPassingOn
        if blockedSince != nil { blockedSince = now }
    }

    /// When the connection is to be closed, unless something happens before.
    func deadline(_ limits: ConnectionLimits) -> NIODeadline {
        let blocked = isPassingOn ? nil : blockedSince.map { $0 + TimeAmount(limits.writeTimeout) }
        switch phase {
        case .readingHead(let since):
            return min(blocked ?? .distantFuture, since + TimeAmount(limits.headTimeout))
        case .idle(let since):
            return min(blocked ?? .distantFuture, since + TimeAmount(limits.idleTimeout))
        case .serving:
            return blocked ?? .distantFuture
        }
    }
}

/// What one client may cost the server before it has proved to be anybody: connections, bytes and time.
///
/// Beyond a limit the client gets an error where HTTP still allows one, and its connection is closed.
public struct ConnectionLimits: Hashable, Sendable {
    /// The most connections at once. One more closes the connection that has gone longest without a request; when all
    /// are busy, the new one is closed.
    public var maxConnections = 4_096
    /// The time from a connection's first byte, or from the first byte after a pause, until a request's head is
    /// complete.
    public var headTimeout = Duration.seconds(10)
    /// The time from a request's head until its body is complete.
    public var bodyTimeout = Duration.seconds(10)
    /// The time between two requests on one connection. It is longer than the 60 s that load balancers commonly keep
    /// an idle connection, so that the balancer is the one to close it.
    public var idleTimeout = Duration.seconds(75)
    /// The time for which a client may refuse to read what is sent to it.
    public var writeTimeout = Duration.seconds(30)
    /// After how much silence TCP asks whether the client's machine is still there. A stream on which nothing happens is held
    /// for as long as its client, which may have gone without a word.
    public var keepaliveIdle = Duration.seconds(60)
    /// How often TCP then asks again.
    public var keepaliveInterval = Duration.seconds(15)
    /// How many of its questions in a row may stay unanswered until the kernel ends the connection.
    public var keepaliveProbes = 4
    /// The time and the bytes for which a connection is still read after its last answer, so that the answer arrives:
    /// closing at once would reset the connection (RFC 9112, 9.6).
    public var lingerTimeout = Duration.seconds(2)
    public var maxLingeringBytes = 1 << 20
    /// The longest request body, in bytes.
    public var maxBodyBytes = PreviewRequestContext.maxBodyBytes
    /// The longest header field, and the longest request line, in bytes. Access tokens are the longest that come.
    public var maxHeaderFieldBytes = 8 * 1_024
    /// All header fields of a request together, in bytes.
    public var maxHeaderListBytes = 16 * 1_024
    /// The most header fields of a request.
    public var maxHeaderFields = 100

    public init() {}

    /// Takes heads that are as large as those that the core API takes (Kestrel's own limit), since they are passed on.
    public mutating func allowLargeHeads() {
        maxHeaderFieldBytes = 32 * 1_024
        maxHeaderListBytes = 32 * 1_024
    }
}

/// Looks at the first bytes of each request on an HTTP/1 connection, since the parser does not say of a request that it
/// cannot read whether it was a `HEAD`.
///
/// A request that came in the same read as the end of the one before is not seen. An error in it ends the connection in
/// any case.
final class RequestStart: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        /// So many bytes were as they are in a `HEAD`.
        case matching(Int)
        case decided(isHEAD: Bool)
    }

    private static let method = Array("HEAD ".utf8)

    private var state = State.matching(0)

    /// Whether the request that is being read begins as a `HEAD`.
    var isHEAD: Bool {
        if case .decided(isHEAD: true) = state { true } else { false }
    }

    /// A request was read to its end.
    func requestEnded() {
        state = .matching(0)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .matching(let count) = state { look(at: unwrapInboundIn(data), matched: count) }
        context.fireChannelRead(data)
    }

    private func look(at bytes: ByteBuffer, matched: Int) {
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
