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
