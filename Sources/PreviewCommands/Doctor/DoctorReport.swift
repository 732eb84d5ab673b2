internal import FoundationEssentials
internal import PreviewDomain

/// The findings of all selected checks.
struct DoctorReport: Sendable {
    /// A check with its finding.
    struct Entry: Sendable {
        let check: DoctorCheck
        let finding: DoctorFinding
    }

    let entries: [Entry]
    /// Whether the API server answers; false if the checks that need it were skipped.
    var doesClusterAnswer = true

    /// 0 if all checks passed or were skipped, 1 if there is a warning, 2 if there is a failure.
    var exitCode: Int32 {
        let found = Set(entries.map(\.finding.status))
        return found.contains(.failure) ? 2 : found.contains(.warning) ? 1 : 0
    }

    /// The report for people: a heading for each group, a line for each check, and below it how to correct what was found.
    ///
    /// Findings may contain text from the cluster, so they are shown escaped.
    var text: String {
        var lines: [String] = []
        for group in DoctorCheck.Group.allCases {
            let entries = entries.filter { $0.check.group == group }
            guard !entries.isEmpty else { continue }
            if !lines.isEmpty { lines.append("") }
            lines += [group.rawValue, String(repeating: "-", count: group.rawValue.count)]
            for entry in entries {
                let detail = Excerpt.escaped(entry.finding.detail)
                lines.append("\(entry.finding.status.mark) \(entry.check.id) \(entry.check.title): \(detail)")
                if let remedy = entry.finding.remedy {
                    lines.append("    fix: \(Excerpt.escaped(remedy))")
                    lines.append("    see: \(Self.page(entry.check))")
                }
            }
        }
        let counts = DoctorFinding.Status.allCases.map { status in
            "\(entries.count { $0.finding.status == status }) \(status.rawValue)"
        }
        return (lines + ["", counts.joined(separator: ", ")]).joined(separator: "\n")
    }

    /// The report as JSON.
    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let document = Document(
            exitCode: exitCode,
            checks: entries.map { entry in
                Document.Check(
                    id: entry.check.id,
                    group: entry.check.group.rawValue,
                    title: entry.check.title,
                    status: entry.finding.status.rawValue,
                    detail: entry.finding.detail,
                    fix: entry.finding.remedy,
                    page: Self.page(entry.check)
                )
            }
        )
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }

    private static func page(_ check: DoctorCheck) -> String { "Docs/Doctor.md#\(check.id.lowercased())" }

    /// The JSON document. The names of its members do not change, because scripts read them.
    private struct Document: Encodable {
        struct Check: Encodable {
            let id: String
            let group: String
            let title: String
            let status: String
            let detail: String
            let fix: String?
            let page: String
        }

        let exitCode: Int32
        let checks: [Check]

        private enum CodingKeys: String, CodingKey {
            case exitCode = "exit_code"
            case checks
        }
    }
}

extension DoctorFinding.Status {
    fileprivate var mark: String {
        switch self {
        case .ok: "√"
        case .warning: "‼"
        case .failure: "×"
        case .skipped: "–"
        }
    }
}
