internal import PreviewDomain

/// Decides how a start waits until its preview serves: a pure state machine that receives results and returns the next
/// step.
///
/// An app that has not answered is probed again until the deadline, with increasing time-outs. An address that the
/// service cannot test is given up soon after the gateway has accepted the route, since waiting would not help.
struct ReadinessWait {
    /// The next step.
    enum Step: Hashable {
        /// Read the gateway's status of the route.
        case readRoute
        /// Pause, then probe with that time-out.
        case probe(after: Duration, timeout: Duration)
        case finish
    }

    /// The time-out of the first probe. Later ones wait for the remaining time, since a first page may take 10 s to
    /// compile.
    static let firstTimeout = Duration.seconds(2)
    /// How long after the gateway's acceptance an address that the service cannot test is probed again.
    static let unreachableLimit = Duration.milliseconds(500)
    /// How long a port that closes each connection is probed with HTTP/1.1 before another protocol is tried: an app
    /// that is starting may do so for a moment.
    static let closedLimit = Duration.seconds(1)
    /// A pause is a quarter of the time of the pauses before it, up to the longest, so that the delay is proportional
    /// to the time until the preview serves.
    private static let firstPause = Duration.milliseconds(2)
    private static let longestPause = Duration.milliseconds(500)
    /// The interval between two reads of the route, so that a gateway that is slow to accept costs few requests.
    private static let firstReadPause = Duration.milliseconds(250)
    private static let longestReadPause = Duration.seconds(2)

    private let deadline: Duration
    /// The host that the app must have received; responses through an older version of the route do not count.
    private let expectedHost: HostHeader?
    /// Whether the gateway may still be about to change its protocol to the app.
    private let triesProtocol: Bool
    private var pause = Self.firstPause
    private var readPause = Self.firstReadPause
    private var nextRead = Duration.zero
    private var lastRead: Duration?
    private var acceptedAt: Duration?
    /// The time since which the port has closed each connection.
    private var closedSince: Duration?
    private(set) var evidence: ReadinessEvidence

    /// - Parameters:
    ///   - outcome: The result of the first probe.
    ///   - deadline: The time until which the app may answer.
    ///   - expectedHost: The host that the app must have received, if that is relevant.
    ///   - triesProtocol: Whether an app that does not speak the gateway's protocol is probed again, because the route
    /// has just been changed.
    init(
        _ outcome: ProbeOutcome,
        deadline: Duration,
        expectedHost: HostHeader? = nil,
        triesProtocol: Bool = false
    ) {
        self.deadline = deadline
        self.expectedHost = expectedHost
        self.triesProtocol = triesProtocol
        evidence = ReadinessEvidence(outcome: outcome, route: .notRead)
    }

    /// Whether the evidence is about an address that was not reached, or for which another component answered.
    private var isUnreachable: Bool {
        switch evidence.outcome {
        case .nameNotFound, .nameUnresolved, .notConnected, .notTrusted, .broken, .notProbed: true
        case .noResponse: false
        case .answered: evidence.source == .intermediary
        }
    }

    /// Records the result of a probe.
    mutating func record(_ outcome: ProbeOutcome) { evidence.outcome = outcome }

    /// Records the gateway's status; `nil` if it could not be read.
    mutating func record(_ status: RouteStatus?, at now: Duration) {
        evidence.route = status.map { .read($0) } ?? .unreadable
        if let status { evidence.isMarkedRoute = status.isMarked }
        if status?.isAccepted == true { acceptedAt = acceptedAt ?? now } else { acceptedAt = nil }
        lastRead = now
        nextRead = now + readPause
        readPause = min(readPause * 3 / 2, Self.longestReadPause)
    }

    /// - Parameters:
    ///   - now: The time.
    ///   - probed: The duration of the last probe.
    mutating func next(at now: Duration, probed: Duration) -> Step {
        if evidence.source == .app, expectedHost == nil || evidence.receivedHost == expectedHost { return .finish }
        closedSince = evidence.source == .gateway(.closed) ? closedSince ?? now : nil
        if !triesProtocol {
            // A process listens and answers, and waiting would not change its protocol.
            if evidence.source == .gateway(.notHTTP) { return .finish }
            if let closedSince, now >= closedSince + Self.closedLimit { return .finish }
        }
        if isUnreachable {
            if acceptedAt == nil, now >= nextRead { return .readRoute }
            if let acceptedAt, probed >= Self.unreachableLimit || now >= acceptedAt + Self.unreachableLimit {
                return .finish
            }
        }
        guard now < deadline else {
            // The status that was read before may have changed since.
            let isCurrent = evidence.route.isAccepted || lastRead.map { $0 >= deadline } ?? false
            return isCurrent ? .finish : .readRoute
        }
        let wait = pause
        pause = min(pause * 5 / 4, Self.longestPause)
        let isSlow = evidence.outcome == .noResponse
        return .probe(
            after: wait,
            timeout: isSlow ? max(deadline - now - wait, Self.firstTimeout) : Self.firstTimeout
        )
    }
}
