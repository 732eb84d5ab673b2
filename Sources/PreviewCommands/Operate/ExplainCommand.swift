internal import ArgumentParser
internal import PreviewControl

/// `preview-gateway explain`: one preview's story.
struct ExplainCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Tell everything about a preview, and why it is kept or reaped.",
        discussion: discussion
    )

    @Argument(help: ArgumentHelp("The previews, by fingerprint, token or URL, or by their run.", valueName: "preview"))
    var references: [String]

    @Option(name: .shortAndLong, help: "How to print it.")
    var output = ReportFormat.table

    @OptionGroup var options: OperatorOptions

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let references = try references.map { try PreviewReference($0) }
        let report = try await connection.report(withClaims: true)
        for reference in references { context.print(try report.explanation(of: reference, output)) }
    }
}
