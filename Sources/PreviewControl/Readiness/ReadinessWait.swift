internal import PreviewDomain

/// How a start waits until its preview serves: a pure machine, which is told what was found and says what to do next.
///
/// An app that has not answered yet is asked again until the time is over, with growing patience. An address that cannot be
/// tried from here is given up soon after the gateway has accepted the route, since waiting would not help.
struct ReadinessWait {
    /// What to do next.
    enum Step: Hashable {
        /// Read what the gateway says about the route.
        case readRoute
        /// Pause, then probe with that patience.
        case probe(after: Duration, patience: Duration)
        case finish
    }

    /// How long the first probe waits for an answer. Later ones wait as long as there is time, since a first page may take
    /// 10 s to compile.
    static let firstPatience = Duration.seconds(2)
    /// For how long, from the gateway's acceptance, an address that cannot be tried is tried again.
    static let unreachableLimit = Duration.milliseconds(500)
    /// How long a port that closes each connection is asked in HTTP/1.1 before another protocol is tried: one that is starting
    /// may do so for a moment.
    static let closedLimit = Duration.seconds(1)
    /// A pause is a quarter of the pauses before it, so that a preview is found that much later than it serves, up to the longest.
    private static let firstPause = Duration.milliseconds(2)
    private static let longestPause = Duration.milliseconds(500)
    /// Between two looks at the route, so that a gateway that is slow to accept costs few requests.
    private static let firstReadPause = Duration.milliseconds(250)
    private static let longestReadPause = Duration.seconds(2)

    private let deadline: Duration
    /// The host that the app has to have seen; answers by an older version of the route do not count.
    private let expectedHost: HostHeader?
    /// Whether the gateway may still be about to speak another protocol to the app.
    private let triesProtocol: Bool
    private var pause = Self.firstPause
    private var readPause = Self.firstReadPause
    private var nextRead = Duration.zero
    private var lastRead: Duration?
    private var acceptedAt: Duration?
    /// Since when the port has closed each connection.
    private var closedSince: Duration?
    private(set) var evidence: ReadinessEvidence

    /// - Parameters:
    ///   - outcome: What the first probe found.
    ///   - deadline: When an app's time to answer is over.
    ///   - expectedHost: The host that the app has to have seen, where that matters.
    ///   - triesProtocol: Whether an app that does not speak the gateway's protocol is asked again, because the route was changed
    ///     just now.
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

    /// Whether the evidence is about an address that was not reached, or where somebody else answered.
    private var isUnreachable: Bool {
        switch evidence.outcome {
        case .nameNotFound, .nameUnresolved, .notConnected, .notTrusted, .broken, .notTried: true
        case .silent: false
        case .answered: evidence.source == .intermediary
        }
    }

    /// Records what a probe found.
    mutating func record(_ outcome: ProbeOutcome) { evidence.outcome = outcome }

    /// Records what the gateway says; `nil` where the cluster did not say.
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
    ///   - probed: How long the last probe took.
    mutating func next(at now: Duration, probed: Duration) -> Step {
        if evidence.source == .app, expectedHost == nil || evidence.seenHost == expectedHost { return .finish }
        closedSince = evidence.source == .gateway(.closed) ? closedSince ?? now : nil
        if !triesProtocol {
            // Something listens and answers, and waiting would not make it speak another protocol.
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
            // What was read before the end may have changed since.
            let isCurrent = evidence.route.isAccepted || lastRead.map { $0 >= deadline } ?? false
            return isCurrent ? .finish : .readRoute
        }
        let wait = pause
        pause = min(pause * 5 / 4, Self.longestPause)
        let isSlow = evidence.outcome == .silent
        return .probe(
            after: wait,
            patience: isSlow ? max(deadline - now - wait, Self.firstPatience) : Self.firstPatience
        )
    }
}
