internal import PreviewDomain

/// Since when a replica can record pings, as far as its requests to the API server tell. Values only: it reads no clock.
///
/// An expiry says that nobody has looked for the idle time-out. While a ping could not have been recorded it says nothing
/// of the kind. So for a grace time after pings can be recorded again, nothing is reaped for idleness: viewers that ping
/// have had the chance to say so by then.
///
/// Evidence is what the replica asks anyway. An answer that took the API server's storage proves that a ping at that time
/// would have been recorded; a sweep or a ping that failed for want of an answer puts that in doubt from when it was sent
/// until the next answer. Who hears nothing at all for much longer than it ever is quiet was away itself.
///
/// A ping that was lost counts for its own preview, whatever else is answered: writes may fail while reads do not, and
/// that of one object while that of others does not.
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
    /// How long pings may be lost without a viewer that pings every minute losing more than one or two: what is shorter
    /// is no outage (contract, "outage").
    static let toleratedGap = Duration.seconds(60)
    /// How soon a replica that is away looks again at what has expired, where the grace time is shorter.
    static let shortestRecheck = Duration.seconds(1)

    /// For how long after pings can be recorded again idleness does not count.
    private let grace: Duration
    /// The longest time without any evidence that is usual.
    private let usualSilence: Duration
    /// The beginning of the present time without an outage; `nil` before the first answer.
    private var inContactSince: Duration?
    private var lastAnswer: Duration?
    /// When the first request was sent that failed since the last answer.
    private var failingSince: Duration?
    /// When a watch first broke, or a deletion failed, since the last answer. Both happen for many reasons; if a sweep or a
    /// ping fails too, it was this one.
    private var doubtedSince: Duration?
    /// When the last ping of each preview was lost; without those that were lost too long ago to matter.
    private var lostPings: [PreviewToken: Duration] = [:]

    /// - Parameters:
    ///   - grace: For how long idleness does not count after pings can be recorded again.
    ///   - usualSilence: The longest time without any evidence in a replica in good order: the sweep interval.
    init(grace: Duration, usualSilence: Duration) {
        self.grace = grace
        self.usualSilence = usualSilence
    }

    // MARK: Events

    /// The API server answered something that took its storage.
    mutating func answered(at uptime: Duration) {
        if isAway(at: uptime) { inContactSince = uptime }
        lastAnswer = max(lastAnswer ?? uptime, uptime)
        failingSince = nil
        doubtedSince = nil
        if !lostPings.isEmpty { lostPings = lostPings.filter { $0.value + grace > uptime } }
    }

    /// A request failed because the API server could not be reached, or failed inside.
    ///
    /// - Parameter sent: When it was sent. What was answered after that counts none the less.
    mutating func failed(sentAt sent: Duration) {
        let since = max(sent, lastAnswer ?? sent)
        failingSince = min(failingSince ?? since, doubtedSince ?? since)
    }

    /// A watch broke, or the deletion of one object failed.
    mutating func doubted(at uptime: Duration) {
        doubtedSince = doubtedSince ?? uptime
    }

    /// A ping could not be recorded.
    mutating func lostPing(of token: PreviewToken, at uptime: Duration) {
        lostPings[token] = uptime
    }

    // MARK: Answers

    /// Whether there has been no answer yet.
    var isSilent: Bool { lastAnswer == nil }
    /// Whether something has failed since the last answer, or there has been none yet.
    var isInDoubt: Bool { isSilent || failingSince != nil || doubtedSince != nil }

    /// Whether pings could not be recorded for so long that it counts as an outage, which has not ended.
    func isAway(at uptime: Duration) -> Bool {
        guard inContactSince != nil, let lastAnswer else { return true }
        if let failingSince, uptime - failingSince > Self.toleratedGap { return true }
        return uptime - lastAnswer > usualSilence + Self.toleratedGap
    }

    /// How long it takes at least until idleness counts; zero where it counts.
    ///
    /// During an outage it is what it would be if the outage ended now: whoever looks again after it comes in time.
    func timeUntilIdlenessCounts(at uptime: Duration) -> Duration {
        guard let inContactSince, !isAway(at: uptime) else { return max(grace, Self.shortestRecheck) }
        return max(inContactSince + grace - uptime, .zero)
    }

    /// As ``timeUntilIdlenessCounts(at:)``, of one preview.
    func timeUntilIdlenessCounts(of token: PreviewToken, at uptime: Duration) -> Duration {
        let rest = timeUntilIdlenessCounts(at: uptime)
        guard let lost = lostPings[token] else { return rest }
        return max(rest, lost + grace - uptime)
    }
}
