internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// A report as a table for people, one line for each preview.
struct ReapTable: Sendable {
    private let report: ReapReport
    private let outcomes: [PreviewToken: ReapOutcome]?
    private let namespace: String

    private static let none = "-"

    /// - Parameter outcomes: What became of what was due; `nil` where nothing was to be deleted.
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
        var lines = [report.time.map { "The API server's time: \($0.words)." } ?? ReapWords.unknownTime]
        if report.sparesIdle { lines.append(ReapWords.sparedIdle) }
        if outcomes == nil {
            if report.entries.contains(where: \.isDueForIdleness), let grace = ReapWords.graceOfReplicas(report.policy)
            {
                lines.append(grace)
            }
            let why =
                report.policy.isEnabled
                ? "this was a dry run" : "the reaper rests, because \(Settings.Keys.enabled.key) is false"
            lines.append("Nothing was deleted: \(why).")
        }
        return lines.joined(separator: "\n")
    }

    private func row(_ entry: ReapEntry) -> [String] {
        var idleLeft = Self.none
        var capLeft = Self.none
        var pod = Self.none
        if case .preview(let preview, _) = entry.subject {
            idleLeft = left(until: preview.effectiveExpiresAt(policy: report.policy.lifetime))
            capLeft = left(until: preview.effectiveMaxUntil(policy: report.policy.lifetime))
            pod = entry.pod.word
        }
        let (decision, reason) = outcomes.map { result(entry, $0[entry.token]) } ?? (entry.verdict.word, why(entry))
        return [
            entry.token.fingerprint, entry.run ?? Self.none,
            report.time.map { $0.earliest.duration(since: entry.createdAt).short } ?? Self.none,
            idleLeft, capLeft, pod, decision, reason,
        ]
    }

    private func left(until instant: Date) -> String {
        report.time.map { instant.duration(since: $0.earliest).short } ?? Self.none
    }

    private func why(_ entry: ReapEntry) -> String {
        switch entry.verdict {
        case .keep(let until, let reason): "\(reason.rawValue) \(ReapWords.when(until, report.time))"
        case .reap(let reason, let since?): "\(reason.rawValue), due \(ReapWords.when(since, report.time))"
        case .reap(let reason, nil): reason.rawValue
        case .leave: "being deleted"
        }
    }

    private func result(_ entry: ReapEntry, _ outcome: ReapOutcome?) -> (String, String) {
        switch outcome {
        case .reaped(let reason)?: ("reaped", reason.rawValue)
        case .alreadyGone?: ("gone", "deleted by somebody else")
        case .averted?: ("kept", "a second look showed that it has to live on")
        case .failed(let error)?: ("failed", error.detail)
        case nil: (entry.verdict == .leave ? "left" : "kept", why(entry))
        }
    }
}
