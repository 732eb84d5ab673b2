internal import ArgumentParser
internal import Basics
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain

/// `preview-gateway watch`: prints events of previews as they happen.
struct WatchCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Print requests, decisions, starts and ends as they happen, until interrupted.",
        discussion: """
            One line for each entry of the runs' timelines, which are Events on their claims. Nothing is polled. With -o json \
            each line is one JSON object.

            \(discussion)
            """
    )

    @Option(help: "Only the entries of this run.")
    var run: String?

    @Option(help: "The number of existing entries to print first.")
    var history = 10

    @Option(name: .shortAndLong, help: "The output format.")
    var output = ReportFormat.table

    @OptionGroup var options: OperatorOptions

    func validate() throws {
        guard history >= 0 else { throw ValidationError("--history: expected zero or more") }
        _ = try RunFilter(run)
    }

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let run = try RunFilter(run).run
        let (output, show, warn) = (output, context.print, context.warn)
        try await connection.timelineLog.followAllRuns(replaying: history) { notice in
            switch notice {
            case .record(let record):
                guard run == nil || record.entry.event.run == run else { return }
                show(try output == .json ? String(decoding: record.entry.json(), as: UTF8.self) : record.entry.line)
            case .interrupted(let reason): warn("interrupted, and continued as soon as possible: \(reason)")
            }
        }
    }
}

extension TimelineEntry {
    /// The time, the run, the kind of event, the preview's fingerprint or the request's short id, and the message.
    ///
    /// The entry comes from the cluster, and its message may contain what a user wrote.
    var line: String {
        let kind = event.kind.rawValue.split(separator: ".").last.map(String.init) ?? event.kind.rawValue
        let column = kind + String(repeating: " ", count: max(Self.kindWidth - kind.count, 0))
        let subject = event.subject.prefix { $0 != "/" }.prefix(PreviewToken.fingerprintLength)
        return Excerpt.escaped("\(RFC3339.string(time))  \(event.run)  \(column)  \(subject)  \(event.message)")
    }

    /// The length of the longest kind's name.
    private static let kindWidth = "approval_required".count
}
