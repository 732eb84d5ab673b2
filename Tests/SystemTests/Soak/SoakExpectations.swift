import Basics
import FoundationEssentials
import PreviewDomain

/// What the callers of a soak were told about their previews, compared with the cluster: the two must agree.
///
/// A value without a clock: the time is passed in. All instants are in the API server's time, which is the local time
/// because the API server is on the same machine.
struct SoakExpectations: Sendable {
    /// A preview from the callers' point of view.
    private struct Entry {
        /// The latest instant until which a response promised the preview, unless it is stopped.
        var promisedUntil: Date
        /// Whether a stop was requested, whatever the response.
        var isStopAsked = false
        var isGone = false
        var isReportedLate = false
    }

    /// A route in the cluster.
    struct Route: Hashable, Sendable {
        let token: String
        let expiresAt: Date
        /// Whether an agent started it, with an approval.
        let isAgents: Bool
    }

    /// How much later than its deadline a preview may end (invariant I5), and how long reading the cluster may take.
    static let lateness = Duration.seconds(2)
    private static let slack = Duration.seconds(1)

    /// How long replicas suspend idleness after pings could not be recorded.
    let outageGrace: Duration
    private var entries: [String: Entry] = [:]
    private var agentsTokens: Set<String> = []
    private var approvals = 0
    private var hasUnapprovedStart = false
    /// The instant until which lateness is excused: by an outage or a start of all replicas, and the grace after it.
    private var excusedUntil = Date.distantPast
    private(set) var violations: [String] = []
    private(set) var pings = 0
    private(set) var starts = 0
    private(set) var stops = 0
    private(set) var ends = 0

    init(outageGrace: Duration) {
        self.outageGrace = outageGrace
    }

    // MARK: Responses to callers

    mutating func recordStart(of token: String, until: Date) {
        // An agent that asks again after a lost response may get its existing preview.
        guard entries[token] == nil else { return recordPing(of: token, until: until) }
        starts += 1
        entries[token] = Entry(promisedUntil: until)
    }

    mutating func recordPing(of token: String, until: Date) {
        pings += 1
        guard var entry = entries[token] else { return }
        entry.promisedUntil = max(entry.promisedUntil, until)
        entries[token] = entry
    }

    /// Records that a ping was answered with 404.
    mutating func recordNotFound(_ token: String, at now: Date) {
        guard let entry = entries[token], !entry.isStopAsked, now < entry.promisedUntil else { return }
        violations.append("preview \(Self.fingerprint(token)) was unknown before its promise ended")
    }

    /// Records that a preview is unknown although it was pinged without a pause and not stopped.
    mutating func recordLoss(of token: String, at now: Date) {
        violations.append("preview \(Self.fingerprint(token)) ended although it was pinged, at \(RFC3339.string(now))")
    }

    mutating func recordStopRequest(_ token: String) {
        stops += 1
        entries[token]?.isStopAsked = true
    }

    /// Records that an approval was sent, whatever the response: it may have taken effect.
    mutating func recordApproval() { approvals += 1 }

    // MARK: The cluster

    /// Records that the API server could not be reached, or that no replica was ready, until `now`.
    mutating func recordOutage(until now: Date) {
        excusedUntil = max(excusedUntil, now + outageGrace)
    }

    /// Compares all routes, as they were at one moment between `begun` and `now`, with the promises to callers.
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
