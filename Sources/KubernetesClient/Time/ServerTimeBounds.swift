/// The knowledge of the difference between the server's clock and a local monotonic one.
///
/// A value, without a clock of its own: all times are passed in. An answer with the `Date` d, of which the request was
/// sent at local time s and whose head was received at r, was made at some local time in s...r, when the server's clock
/// showed something in d..<d+1, since the header has whole seconds. So the offset (server's time less local time) lies
/// between d − r and d + 1 − s. Each answer gives such an interval; the truth is in all of them.
///
/// A response that contradicts the established time means that the server's clock was set, or that another server
/// answers, whose clock is wrong. The response alone does not show which, so it is kept as a candidate, and decided by
/// votes:
///
/// | an answer | on a shared connection | on a connection of its own |
/// | --- | --- | --- |
/// | agrees with the accepted time | narrows it | and is a vote for it |
/// | agrees with the candidate | narrows the candidate | and is a vote for the candidate |
/// | agrees with neither | becomes the candidate | the same |
///
/// All responses on one connection come from one server and count as one vote; a new connection may lead to another
/// server. The candidate is accepted when it leads by ``decidingVotes`` votes and has existed for ``confirmationTime``. If one
/// of three servers is wrong, one connection in three votes for it, so that an established time is given up wrongly
/// with a probability of 2 to the power of −``maxConfidence`` − ``decidingVotes`` at each contradiction.
public struct ServerTimeBounds: Hashable, Sendable {
    /// How far the two clocks may diverge, as a fraction: each of them may be slewed by 500 parts per million, which is
    /// the kernel's limit (`adjtimex(2)`, ntpd's largest slew).
    public static let maxDrift = 1000e-6
    /// The resolution of the `Date` header in seconds.
    public static let headerResolution = 1.0
    /// How far, in seconds, the clocks of the API servers may differ without a contradiction: synchronised clocks of
    /// one cluster are that close, and stepping a clock by less does no harm.
    public static let maxSpread = 2.0
    /// How long, in seconds, a candidate has to exist before it can be accepted.
    public static let confirmationTime = 60.0
    /// The lead in votes of separate connections with which a candidate is accepted, and a time becomes established.
    public static let decidingVotes = 8
    /// The largest lead of the established time; more would only delay following a clock that was set.
    public static let maxConfidence = 10
    /// How long, in seconds, a candidate without new votes is kept.
    public static let candidateLifetime = 300.0

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

    private struct Candidate: Hashable {
        var interval: Interval
        /// The local time of its first response.
        let since: Double
        /// The local time of its last response.
        var lastSeen: Double
    }

    private var accepted: Interval?
    private var candidate: Candidate?
    /// The votes for the established time minus those for the candidate.
    private var voteLead = 0
    /// Whether the time has led by ``decidingVotes`` votes. From then on it counts alone, until a candidate is accepted.
    private var isEstablished = false
    /// How often a candidate was accepted: a server's clock was set.
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
        guard let known = accepted?.aged(to: received) else {
            accepted = measured
            voteLead = isOwnConnection ? 1 : 0
            return
        }
        dropOldCandidate(at: received)
        if let merged = known.merged(with: measured) {
            accepted = merged
            if isOwnConnection { voteLead = min(voteLead + 1, Self.maxConfidence) }
            isEstablished = isEstablished || voteLead >= Self.decidingVotes
            return
        }
        if let merged = candidate?.interval.aged(to: received).merged(with: measured) {
            candidate?.interval = merged
            candidate?.lastSeen = received
        } else {
            candidate = Candidate(interval: measured, since: received, lastSeen: received)
        }
        if isOwnConnection { voteLead = max(voteLead - 1, -Self.decidingVotes) }
        if let candidate, voteLead <= -Self.decidingVotes, received - candidate.since >= Self.confirmationTime {
            accepted = candidate.interval
            self.candidate = Candidate(interval: known, since: received, lastSeen: received)
            voteLead = Self.decidingVotes
            isEstablished = true
            steps += 1
        }
    }

    private mutating func dropOldCandidate(at local: Double) {
        guard let candidate, local - candidate.lastSeen > Self.candidateLifetime else { return }
        self.candidate = nil
        voteLead = max(voteLead, 0)
    }

    // MARK: What is known

    /// The server's time, in seconds since 1970, at the local time `local`; `nil` before the first response.
    ///
    /// While there is a contradiction and no established time, the range covers the candidate too: nothing may end early
    /// and no guarantee be too short, whichever of them is right.
    public func range(at local: Double) -> ClosedRange<Double>? {
        guard let range = acceptedRange(at: local) else { return nil }
        guard !isEstablished, let candidate = currentCandidate(at: local)?.interval.aged(to: local) else {
            return range
        }
        return min(range.lowerBound, local + candidate.lower)...max(range.upperBound, local + candidate.upper)
    }

    /// The server's time without the candidate.
    func acceptedRange(at local: Double) -> ClosedRange<Double>? {
        guard let now = accepted?.aged(to: local) else { return nil }
        return local + now.lower...local + now.upper
    }

    /// How many seconds the candidate is ahead, at least; negative if it is behind. `nil` while there is no contradiction.
    func contradiction(at local: Double) -> Double? {
        guard let accepted = accepted?.aged(to: local),
            let candidate = currentCandidate(at: local)?.interval.aged(to: local)
        else { return nil }
        if candidate.lower > accepted.upper { return candidate.lower - accepted.upper }
        return min(candidate.upper - accepted.lower, 0)
    }

    /// Whether a response on a separate connection would add information: there is a contradiction, or no established
    /// time yet.
    func needsVote(at local: Double) -> Bool {
        accepted != nil && (!isEstablished || currentCandidate(at: local) != nil)
    }

    private func currentCandidate(at local: Double) -> Candidate? {
        guard let candidate, local - candidate.lastSeen <= Self.candidateLifetime else { return nil }
        return candidate
    }

    /// How long to wait from `local` on, in seconds, before the request whose response is the most informative.
    ///
    /// If the true time is in the middle of the interval, the server's clock then shows a full second. So whichever of
    /// the two seconds the response names, it excludes half of the interval.
    func pauseBeforeInformativeRequest(at local: Double) -> Double {
        guard let range = acceptedRange(at: local) else { return 0 }
        let middle = (range.lowerBound + range.upperBound) / 2
        return middle.rounded(.up) - middle
    }
}
