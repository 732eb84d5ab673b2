/// The knowledge of the difference between the server's clock and a local monotonic one.
///
/// A value, without a clock of its own: all times are passed in. An answer with the `Date` d, of which the request was
/// sent at local time s and whose head was received at r, was made at some local time in s...r, when the server's clock
/// showed something in d..<d+1, since the header has whole seconds. So the offset (server's time less local time) lies
/// between d − r and d + 1 − s. Each answer gives such an interval; the truth is in all of them.
///
/// A response that contradicts the established time means that the server's clock was set, or that another server
/// answers, whose clock is wrong. The response alone does not show which, so it is kept as a rival, and decided by
/// votes:
///
/// | an answer | on a shared connection | on a connection of its own |
/// | --- | --- | --- |
/// | agrees with what is believed | narrows it | and is a vote for it |
/// | agrees with the rival | narrows the rival | and is a vote for the rival |
/// | agrees with neither | becomes the rival | the same |
///
/// All responses on one connection come from one server and count as one vote; a new connection may lead to another
/// server. The rival is accepted when it leads by ``deciding`` votes and has existed for ``confirmationTime``. If one
/// of three servers is wrong, one connection in three votes for it, so that an established time is given up wrongly
/// with a probability of 2 to the power of −``maxConfidence`` − ``deciding`` at each contradiction.
public struct ServerTimeBounds: Hashable, Sendable {
    /// How far the two clocks may diverge, as a fraction: each of them may be slewed by 500 parts per million, which is
    /// the kernel's limit (`adjtimex(2)`, ntpd's largest slew).
    public static let maxDrift = 1000e-6
    /// The resolution of the `Date` header in seconds.
    public static let headerResolution = 1.0
    /// How far, in seconds, the clocks of the API servers may differ without a contradiction: synchronised clocks of
    /// one cluster are that close, and stepping a clock by less does no harm.
    public static let maxSpread = 2.0
    /// How long, in seconds, a rival has to exist before it can be accepted.
    public static let confirmationTime = 60.0
    /// The lead in votes of separate connections with which a rival is accepted, and a time becomes established.
    public static let deciding = 8
    /// The largest lead of the established time; more would only delay following a clock that was set.
    public static let maxConfidence = 10
    /// How long, in seconds, a rival without new votes is kept.
    public static let rivalLifetime = 300.0

    private struct Interval: Hashable {
        var lower: Double
        var upper: Double
        /// The local time for which the interval was computed; it widens from there.
        var observedAt: Double

        func aged(to local: Double) -> Interval {
            let drift = max(0, local - observedAt) * ServerTimeBounds.maxDrift
            return Interval(lower: lower - drift, upper: upper + drift, observedAt: max(local, observedAt))
        }

        /// The intersection of both intervals; if they are slightly apart, the interval that covers both. `nil` if they
        /// contradict each other.
        func merged(with other: Interval) -> Interval? {
            let (lower, upper) = (max(lower, other.lower), min(upper, other.upper))
            if lower <= upper { return Interval(lower: lower, upper: upper, observedAt: observedAt) }
            guard lower - upper <= ServerTimeBounds.maxSpread else { return nil }
            return Interval(
                lower: min(self.lower, other.lower),
                upper: max(self.upper, other.upper),
                observedAt: observedAt
            )
        }
    }

    private struct Rival: Hashable {
        var interval: Interval
        /// The local time of its first response.
        let since: Double
        /// The local time of its last response.
        var lastSeen: Double
    }

    private var believed: Interval?
    private var rival: Rival?
    /// The votes for the established time minus those for the rival.
    private var lead = 0
    /// Whether the time has led by ``deciding`` votes. From then on it counts alone, until a rival is accepted.
    private var isEstablished = false
    /// How often a rival was accepted: a server's clock was set.
    public private(set) var steps = 0

    public init() {}

    /// Processes a response.
    ///
    /// - Parameters:
    ///   - date: The `Date` header in seconds since 1970.
    ///   - sent: The local time in seconds before the request was sent.
    ///   - received: The local time in seconds after the response's head arrived.
    ///   - isOwnConnection: Whether the request had a separate connection, so that the response is a vote.
    public mutating func observe(date: Double, sent: Double, received: Double, isOwnConnection: Bool = false) {
        guard received >= sent else { return }
        let measured = Interval(
            lower: date - received,
            upper: date + Self.headerResolution - sent,
            observedAt: received
        )
        guard let known = believed?.aged(to: received) else {
            believed = measured
            lead = isOwnConnection ? 1 : 0
            return
        }
        dropOldRival(at: received)
        if let merged = known.merged(with: measured) {
            believed = merged
            if isOwnConnection { lead = min(lead + 1, Self.maxConfidence) }
            isEstablished = isEstablished || lead >= Self.deciding
            return
        }
        if let merged = rival?.interval.aged(to: received).merged(with: measured) {
            rival?.interval = merged
            rival?.lastSeen = received
        } else {
            rival = Rival(interval: measured, since: received, lastSeen: received)
        }
        if isOwnConnection { lead = max(lead - 1, -Self.deciding) }
        if let rival, lead <= -Self.deciding, received - rival.since >= Self.confirmationTime {
            believed = rival.interval
            self.rival = Rival(interval: known, since: received, lastSeen: received)
            lead = Self.deciding
            isEstablished = true
            steps += 1
        }
    }

    private mutating func dropOldRival(at local: Double) {
        guard let rival, local - rival.lastSeen > Self.rivalLifetime else { return }
        self.rival = nil
        lead = max(lead, 0)
    }

    // MARK: What is known

    /// The server's time, in seconds since 1970, at the local time `local`; `nil` before the first response.
    ///
    /// While there is a contradiction and no established time, the range covers the rival too: nothing may end early
    /// and no guarantee be too short, whichever of them is right.
    public func range(at local: Double) -> ClosedRange<Double>? {
        guard let range = believedRange(at: local) else { return nil }
        guard !isEstablished, let rival = currentRival(at: local)?.interval.aged(to: local) else { return range }
        return min(range.lowerBound, local + rival.lower)...max(range.upperBound, local + rival.upper)
    }

    /// The server's time without the rival.
    func believedRange(at local: Double) -> ClosedRange<Double>? {
        guard let now = believed?.aged(to: local) else { return nil }
        return local + now.lower...local + now.upper
    }

    /// How many seconds the rival is ahead, at least; negative if it is behind. `nil` while there is no contradiction.
    func contradiction(at local: Double) -> Double? {
        guard let believed = believed?.aged(to: local), let rival = currentRival(at: local)?.interval.aged(to: local)
        else { return nil }
        if rival.lower > believed.upper { return rival.lower - believed.upper }
        return min(rival.upper - believed.lower, 0)
    }

    /// Whether a response on a separate connection would add information: there is a contradiction, or no established
    /// time yet.
    func needsVote(at local: Double) -> Bool {
        believed != nil && (!isEstablished || currentRival(at: local) != nil)
    }

    private func currentRival(at local: Double) -> Rival? {
        guard let rival, local - rival.lastSeen <= Self.rivalLifetime else { return nil }
        return rival
    }

    /// How long to wait from `local` on, in seconds, before the request whose response is the most informative.
    ///
    /// If the true time is in the middle of the interval, the server's clock then shows a full second. So whichever of
    /// the two seconds the response names, it excludes half of the interval.
    func pauseBeforeInformativeRequest(at local: Double) -> Double {
        guard let range = believedRange(at: local) else { return 0 }
        let middle = (range.lowerBound + range.upperBound) / 2
        return middle.rounded(.up) - middle
    }
}
