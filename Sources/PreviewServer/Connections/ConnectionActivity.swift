internal import NIOCore

/// What a connection is busy with, and until when it may go on like that: a pure state machine.
struct ConnectionActivity {
    private enum Phase {
        case readingHead(since: NIODeadline)
        case idle(since: NIODeadline)
        case serving
    }

    private var phase: Phase
    private var exchangeCount = 0
    private var isMultiplexed = false
    private var blockedSince: NIODeadline?

    init(openedAt now: NIODeadline) {
        phase = .readingHead(since: now)
    }

    /// True while no request is read or answered.
    var isIdle: Bool { exchangeCount == 0 }

    /// Bytes came in. On an idle HTTP/1 connection they begin a request; an HTTP/2 connection also carries frames of
    /// its own.
    mutating func bytesArrived(at now: NIODeadline) {
        if case .idle = phase, !isMultiplexed { phase = .readingHead(since: now) }
    }

    /// A request's head is complete.
    ///
    /// - Parameter onStream: True if it came on an HTTP/2 stream.
    mutating func exchangeBegan(onStream: Bool) {
        exchangeCount += 1
        isMultiplexed = isMultiplexed || onStream
        phase = .serving
    }

    /// A request was read to its end, and answered.
    mutating func exchangeEnded(at now: NIODeadline) {
        exchangeCount -= 1
        if exchangeCount == 0 { phase = .idle(since: now) }
    }

    /// The connection takes more bytes to send, or does not.
    mutating func writabilityChanged(to isWritable: Bool, at now: NIODeadline) {
        blockedSince = isWritable ? nil : blockedSince ?? now
    }

    /// When the connection is to be closed, unless something happens before.
    func deadline(_ limits: ConnectionLimits) -> NIODeadline {
        let blocked = blockedSince.map { $0 + TimeAmount(limits.writeTimeout) } ?? .distantFuture
        switch phase {
        case .readingHead(let since):
            return min(blocked, since + TimeAmount(limits.headTimeout))
        case .idle(let since):
            // An HTTP/2 client is first told to go away, which it may take a moment to do.
            return min(
                blocked,
                since + TimeAmount(limits.idleTimeout) + (isMultiplexed ? TimeAmount(limits.headTimeout) : .zero)
            )
        case .serving:
            return blocked
        }
    }
}
