internal import PreviewDomain

/// Tracks since when a replica can record pings, from the results of its requests to the API server. Values only: it
/// reads no clock.
///
/// An expiry means that no viewer has pinged for the idle time-out. While a ping could not have been recorded it does
/// not mean that. Therefore no idle preview is deleted for a grace time after pings can be recorded again: by then
/// active viewers have pinged.
///
/// The evidence comes from requests that the replica sends anyway. A response that needed the API server's storage
/// proves that a ping at that time would have been recorded. A sweep or a ping that failed without a response puts that
/// in doubt from the time at which it was sent until the next response. A replica that gets no responses for much
/// longer than its usual silence was itself suspended.
///
/// If the API server's clock was set forward, an expiry does not mean it either: the time before it may never have
/// passed.
///
/// A lost ping affects its own preview, whatever other responses there are: writes may fail while reads do not, and
/// writes of one object while those of others do not.
///
/// ```
///            answered, after at most the tolerated gap
///          ┌───────────────────────────────────────────┐
///          ▼                                           │
/// (start) away ── answered ──▶ in contact ── failed ──▶ in doubt
///          ▲                   since t                 │
///          └───────────────────────────────────────────┘
///            the tolerated gap has passed
/// ```
struct PingRecording: Hashable, Sendable {
    /// How long pings may be lost without a viewer that pings every minute losing more than one or two: a shorter time
    /// is not an outage (contract, "outage").
    static let longestToleratedGap = Duration.seconds(60)
    /// A shorter gap cannot be distinguished from a slow request: a silent connection is given up after 3 s.
    static let shortestToleratedGap = Duration.seconds(3)
    /// The part of the idle time-out for which pings may be lost, so that a gap that is not an outage ends no preview in use,
    /// however short the idle time-out is.
    static let toleratedPart = 4
    /// How soon a replica without contact checks expired previews again, if the grace time is shorter.
    static let shortestRecheck = Duration.seconds(1)

    /// How long idleness does not count after pings can be recorded again.
    private let grace: Duration
    /// The longest usual time without any evidence.
    private let usualInterval: Duration
    /// How long pings may be lost before it counts as an outage.
    let toleratedGap: Duration
    /// The beginning of the present time without an outage and without a step of the API server's clock; `nil` before
    /// the first answer.
    private var inContactSince: Duration?
    private var lastResponse: Duration?
    /// When the first request was sent that failed since the last answer.
    private var failingSince: Duration?
    /// When a watch first broke, or a deletion failed, since the last response. Both happen for many reasons; if a
    /// sweep or a ping fails too, this was the beginning.
    private var suspectedSince: Duration?
    /// When the last ping of each preview was lost, without those that no longer matter.
    private var lostPings: [PreviewToken: Duration] = [:]

    /// - Parameters:
    ///   - grace: How long idleness does not count after pings can be recorded again.
    ///   - usualInterval: The longest time without any evidence in a working replica: the sweep interval.
    ///   - idleTimeout: How long a preview lives after its last ping.
    init(grace: Duration, usualInterval: Duration, idleTimeout: Duration) {
        self.grace = grace
        toleratedGap = min(max(idleTimeout / Self.toleratedPart, Self.shortestToleratedGap), Self.longestToleratedGap)
        self.usualInterval = usualInterval
    }

    // MARK: Events

    /// The API server answered a request that needed its storage.
    mutating func recordResponse(at uptime: Duration) {
        if isInOutage(at: uptime) { inContactSince = uptime }
        lastResponse = max(lastResponse ?? uptime, uptime)
        failingSince = nil
        suspectedSince = nil
        if !lostPings.isEmpty { lostPings = lostPings.filter { $0.value + grace > uptime } }
    }

    /// A request failed because the API server could not be reached, was overloaded, or had an internal error.
    ///
    /// - Parameter sent: When it was sent. Responses after that still count.
    mutating func recordFailure(sentAt sent: Duration) {
        let since = max(sent, lastResponse ?? sent)
        failingSince = min(failingSince ?? since, suspectedSince ?? since)
    }

    /// A watch broke, or the deletion of one object failed.
    mutating func recordSuspectedFailure(at uptime: Duration) {
        suspectedSince = suspectedSince ?? uptime
    }

    /// A ping could not be recorded.
    mutating func recordLostPing(of token: PreviewToken, at uptime: Duration) {
        lostPings[token] = uptime
    }

    /// The API server's clock was set. An expiry may have passed since then without time for a ping.
    mutating func recordClockStep(at uptime: Duration) {
        if inContactSince != nil { inContactSince = uptime }
    }

    // MARK: Answers

    /// Whether there has been no response yet.
    var hasNoResponse: Bool { lastResponse == nil }
    /// Whether something has failed since the last answer, or there has been none yet.
    var hasUnresolvedFailure: Bool { hasNoResponse || failingSince != nil || suspectedSince != nil }

    /// Whether pings could not be recorded for so long that it counts as an outage that has not ended.
    func isInOutage(at uptime: Duration) -> Bool {
        guard inContactSince != nil, let lastResponse else { return true }
        if let failingSince, uptime - failingSince > toleratedGap { return true }
        return uptime - lastResponse > usualInterval + toleratedGap
    }

    /// The shortest time until idleness counts; zero if it counts.
    ///
    /// During an outage it is the time if the outage ended now, so checking again after it is never too late.
    func timeUntilIdlenessCounts(at uptime: Duration) -> Duration {
        guard let inContactSince, !isInOutage(at: uptime) else { return max(grace, Self.shortestRecheck) }
        return max(inContactSince + grace - uptime, .zero)
    }

    /// Same as ``timeUntilIdlenessCounts(at:)``, for one preview.
    func timeUntilIdlenessCounts(of token: PreviewToken, at uptime: Duration) -> Duration {
        let rest = timeUntilIdlenessCounts(at: uptime)
        guard let lost = lostPings[token] else { return rest }
        return max(rest, lost + grace - uptime)
    }
}
