import Basics
import FoundationEssentials
import PreviewDomain

/// What a soak's callers were told about their previews, beside what is in the cluster: the two have to balance.
///
/// A value: whoever calls it says what time it is. All instants are the API server's, which is on the same machine.
struct SoakBooks: Sendable {
    /// A preview as the callers know it.
    private struct Entry {
        /// Until when an answer promised that it lives, unless it is stopped.
        var promisedUntil: Date
        /// Whether anybody has asked to stop it, with whatever answer.
        var isStopAsked = false
        var isGone = false
        var isReportedLate = false
    }

    /// A route as it is in the cluster.
    struct Route: Hashable, Sendable {
        let token: String
        let expiresAt: Date
        /// Whether it was started by an agent, with an approval.
        let isAgents: Bool
    }

    /// How much later than its deadline a preview may end (invariant I5), and how long the look at the cluster may take.
    static let lateness = Duration.seconds(2)
    private static let slack = Duration.seconds(1)

    /// How long replicas leave idleness alone after they could not record pings.
    let outageGrace: Duration
    private var entries: [String: Entry] = [:]
    private var agentsTokens: Set<String> = []
    private var approvals = 0
    private var hasUnapprovedStart = false
    /// The instant until which lateness is excused: an outage or a start of all replicas, and the grace after it.
    private var excusedUntil = Date.distantPast
    private(set) var violations: [String] = []
    private(set) var pings = 0
    private(set) var starts = 0
    private(set) var stops = 0
    private(set) var ends = 0

    init(outageGrace: Duration) {
        self.outageGrace = outageGrace
    }

    // MARK: What callers were told

    mutating func noteStart(of token: String, until: Date) {
        // An agent that asks again after a lost answer may be given the preview that it has.
        guard entries[token] == nil else { return notePing(of: token, until: until) }
        starts += 1
        entries[token] = Entry(promisedUntil: until)
    }

    mutating func notePing(of token: String, until: Date) {
        pings += 1
        guard var entry = entries[token] else { return }
        entry.promisedUntil = max(entry.promisedUntil, until)
        entries[token] = entry
    }

    /// A ping was answered 404.
    mutating func noteUnknown(_ token: String, at now: Date) {
        guard let entry = entries[token], !entry.isStopAsked, now < entry.promisedUntil else { return }
        violations.append("preview \(Self.fingerprint(token)) was unknown before its promise ended")
    }

    /// A preview that somebody pinged without a pause, and that nobody stopped, is unknown.
    mutating func noteLoss(of token: String, at now: Date) {
        violations.append("preview \(Self.fingerprint(token)) ended although it was pinged, at \(RFC3339.string(now))")
    }

    mutating func noteStopAsked(_ token: String) {
        stops += 1
        entries[token]?.isStopAsked = true
    }

    /// An approval was sent, with whatever answer: it may have been recorded.
    mutating func noteApproval() { approvals += 1 }

    // MARK: What is in the cluster

    /// The API server could not be reached until now, or no replica has run for longer.
    mutating func noteOutage(until now: Date) {
        excusedUntil = max(excusedUntil, now + outageGrace)
    }

    /// Compares all routes, as they were at one moment between two instants, with what callers were told.
    mutating func compare(_ routes: [Route], from begun: Date, to now: Date) {
        let present = Set(routes.map(\.token))
        for (token, entry) in entries where !entry.isGone && !present.contains(token) {
            entries[token]?.isGone = true
            ends += 1
            if !entry.isStopAsked, now < entry.promisedUntil {
                let early = entry.promisedUntil.duration(since: now)
                violations.append("preview \(Self.fingerprint(token)) ended \(early) before its promise")
            }
        }
        for route in routes {
            if entries[route.token]?.isGone == true {
                violations.append("preview \(Self.fingerprint(route.token)) came back")
            }
            let latest = max(route.expiresAt, excusedUntil) + Self.lateness + Self.slack
            if begun > latest, entries[route.token]?.isReportedLate != true {
                entries[route.token, default: Entry(promisedUntil: route.expiresAt)].isReportedLate = true
                violations.append("preview \(Self.fingerprint(route.token)) outlived its deadline")
            }
            if route.isAgents { agentsTokens.insert(route.token) }
        }
        if agentsTokens.count > approvals, !hasUnapprovedStart {
            hasUnapprovedStart = true
            violations.append("there were more agent's previews than approvals")
        }
    }

    private static func fingerprint(_ token: String) -> String {
        PreviewToken(token)?.fingerprint ?? "?"
    }
}
