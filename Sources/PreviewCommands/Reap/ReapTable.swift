internal import Basics
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// A report as a table for people, with one line for each preview.
struct ReapTable: Sendable {
    private let report: ReapReport
    private let outcomes: [PreviewToken: ReapOutcome]?
    private let namespace: String

    private static let none = "-"

    /// - Parameter outcomes: The outcome of each deletion; `nil` if nothing was to be deleted.
    init(_ report: ReapReport, outcomes: [PreviewToken: ReapOutcome]?, namespace: String) {
        self.report = report
        self.outcomes = outcomes
        self.namespace = namespace
    }

    var text: String {
        let table =
            report.entries.isEmpty
            ? ["No previews in namespace \(namespace)."]
            : TextTable(
                header: [
                    "FINGERPRINT", "RUN", "AGE", "IDLE LEFT", "CAP LEFT", "POD",
                    outcomes == nil ? "DECISION" : "RESULT", "REASON",
                ],
                rows: report.entries.map(row)
            ).lines
        return (table + ["", footer]).joined(separator: "\n")
    }

    private var footer: String {
        var lines = [report.time.map { "The API server's time: \($0.text)." } ?? ReapTexts.unknownTime]
        if report.sparesIdle { lines.append(ReapTexts.sparedIdle) }
        if outcomes == nil {
            if report.entries.contains(where: \.isDueForIdleness), let grace = ReapTexts.graceOfReplicas(report.policy)
            {
                lines.append(grace)
            }
            let why =
                report.policy.isEnabled
                ? "this was a dry run" : "the reaper is disabled, because \(Settings.Keys.enabled.key) is false"
            lines.append("Nothing was deleted: \(why).")
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ entry: ReapEntry) -> [String] {
        var idleLeft = Self.none
        var capLeft = Self.none
        var pod = Self.none
        if case .preview(let preview, _) = entry.subject {
            idleLeft = timeLeft(until: preview.effectiveExpiresAt(policy: report.policy.lifetime))
            capLeft = timeLeft(until: preview.effectiveMaxUntil(policy: report.policy.lifetime))
            pod = entry.pod.rawValue
        }
        let (decision, reason) =
            outcomes.map { result(entry, $0[entry.token]) } ?? (entry.decision.label, explanation(of: entry))
        return [
            entry.token.fingerprint, entry.run ?? Self.none,
            report.time.map { $0.earliest.duration(since: entry.createdAt).short } ?? Self.none,
            idleLeft, capLeft, pod, decision, reason,
        ]
    }

    private func timeLeft(until instant: Date) -> String {
        report.time.map { instant.duration(since: $0.earliest).short } ?? Self.none
    }

    private func explanation(of entry: ReapEntry) -> String {
        switch entry.decision {
        case .keep(let until, let reason): "\(reason.rawValue) \(ReapTexts.relativeTime(until, report.time))"
        case .reap(let reason, let since?): "\(reason.rawValue), due \(ReapTexts.relativeTime(since, report.time))"
        case .reap(let reason, nil): reason.rawValue
        case .leave: "being deleted"
        }
    }

    private func result(_ entry: ReapEntry, _ outcome: ReapOutcome?) -> (String, String) {
        switch outcome {
        case .reaped(let reason)?: ("reaped", reason.rawValue)
        case .alreadyGone?: ("gone", "deleted by another client")
        case .averted?: ("kept", "it was no longer due when it was read again")
        case .failed(let error)?: ("failed", error.detail)
        case nil: (entry.decision == .leave ? "left" : "kept", explanation(of: entry))
        }
    }
}

/// Texts that the table and the explanation share.
enum ReapTexts {
    static let unknownTime = "The API server's time is not known, so nothing is reaped for its age."
    static let sparedIdle = "Nothing is reaped for idleness: --spare-idle."

    /// Why a replica may keep previews that this command reports as idle; `nil` if the outage grace is zero.
    static func graceOfReplicas(_ policy: PreviewPolicy) -> String? {
        guard policy.outageGrace > .zero else { return nil }
        return """
            A replica that could not record keepalives until a moment ago, because it has just started or could not reach \
            the API server, reaps nothing for idleness for \(policy.outageGrace.short), and a keepalive through it \
            extends expired idle previews. This command cannot detect that; --spare-idle has the same effect.
            """
    }

    /// A time relative to the API server's time: `in 29m12s`, `3m2s ago`.
    static func relativeTime(_ instant: Date, _ time: ClusterTimeReading?) -> String {
        guard let time else { return "at \(RFC3339.string(instant))" }
        let left = instant.duration(since: time.earliest)
        return left > .zero ? "in \(left.short)" : "\((.zero - left).short) ago"
    }
}

extension ReapDecision {
    /// The decision's name in tables and documents.
    var label: String {
        switch self {
        case .keep: "keep"
        case .reap: "reap"
        case .leave: "leave"
        }
    }
}

extension ClusterTimeReading {
    /// The width of the interval, in seconds.
    var uncertainty: Double { latest.timeIntervalSince(earliest) }

    var text: String {
        let milliseconds = Int((uncertainty * 1000).rounded(.up))
        return "\(RFC3339.string(earliest)), or up to \(milliseconds) ms later"
    }
}

extension ReapEntry {
    /// The state of the preview's Service.
    enum ServiceState: String {
        case present, missing
        case beingDeleted = "being_deleted"
    }

    var service: ServiceState {
        let backend: PreviewBackend? =
            switch subject {
            case .preview(_, let backend): backend
            case .loneBackend(let backend): backend
            }
        return backend.map { $0.isBeingDeleted ? .beingDeleted : .present } ?? .missing
    }
}

/// Left-aligned columns as kubectl prints them: three spaces between columns, and none at the end of a line. The cells are
/// shown escaped, because they may come from the cluster.
struct TextTable: Sendable {
    let header: [String]
    let rows: [[String]]

    var lines: [String] {
        let all = ([header] + rows).map { $0.map(Excerpt.escaped) }
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            row.enumerated().map { column, text in
                let isLast = column == row.count - 1
                return isLast ? text : text + String(repeating: " ", count: widths[column] - text.count + 3)
            }.joined()
        }
    }
}

extension Duration {
    /// The duration in its two largest units, as whole numbers rounded towards zero: `2d3h`, `7h59m`, `29m12s`, `45s`.
    var short: String {
        let seconds = abs(components.seconds)
        let units: [(name: String, seconds: Int64)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
        let largest = units.firstIndex { seconds >= $0.seconds } ?? units.count - 1
        var rest = seconds
        var text = self < .zero && seconds > 0 ? "-" : ""
        for unit in units[largest...].prefix(2) {
            let count = rest / unit.seconds
            rest %= unit.seconds
            if count > 0 || unit.seconds == units[largest].seconds { text += "\(count)\(unit.name)" }
        }
        return text
    }
}
