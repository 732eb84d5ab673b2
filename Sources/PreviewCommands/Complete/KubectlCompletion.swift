internal import ArgumentParser
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// `kubectl_complete-preview`: completes the words of `kubectl preview`.
///
/// kubectl looks for a program of that name and runs it with the words after `kubectl preview`, the last one being what was
/// typed of the next. It expects a word a line, each perhaps with a tab and a description, and at last a colon and a number that
/// says how the shell goes on (kubectl, "Extend kubectl with plugins"; cobra, "Shell completions").
struct KubectlCompletion {
    /// How long the cluster may take to say what there is: somebody waits at a keyboard.
    private static let limit = Duration.seconds(2)
    private static let maxDescriptionLength = 80

    /// The words after `kubectl preview`; the last one is not finished.
    let line: [String]

    func run(in context: OperatorContext) async {
        // A completion that fails must not print anything into the line that is being typed.
        let answer = (try? CommandCompletion(description: PreviewGateway._dumpHelp()).answer(line)) ?? .words([])
        for word in await words(answer, in: context) {
            let description = word.description.prefix { $0 != "\n" }.prefix(Self.maxDescriptionLength)
            context.print(description.isEmpty ? word.text : "\(word.text)\t\(description)")
        }
        context.print(answer == .files ? ShellDirective.default.line : ShellDirective.noFiles.line)
    }

    /// How the shell goes on (cobra, `ShellCompDirective`).
    private enum ShellDirective: Int {
        case `default` = 0
        case noFiles = 4

        var line: String { ":\(rawValue)" }
    }

    private func words(_ answer: CommandCompletion.Answer, in context: OperatorContext) async -> [CommandCompletion
        .Word]
    {
        let found: [CommandCompletion.Word]
        switch answer {
        case .words(let words): return words
        case .files: return []
        case .previews(let options): found = await read(options, context, Self.previews)
        case .requests(let options): found = await read(options, context, Self.requests)
        }
        let typed = line.last ?? ""
        let named = Set(line.dropLast())
        return found.filter { $0.text.hasPrefix(typed) && !named.contains($0.text) }
    }

    /// - Returns: Nothing where the cluster does not say in time.
    private func read(
        _ options: [String],
        _ context: OperatorContext,
        _ read: @escaping @Sendable (OperatorConnection) async throws -> [CommandCompletion.Word]
    ) async -> [CommandCompletion.Word] {
        guard let connection = try? OperatorOptions.parse(options).connect(context) else { return [] }
        return await withTaskGroup(of: [CommandCompletion.Word].self) { group in
            group.addTask { (try? await read(connection)) ?? [] }
            group.addTask {
                try? await Task.sleep(for: Self.limit)
                return []
            }
            defer { group.cancelAll() }
            return await group.next() ?? []
        }
    }

    private static func previews(_ connection: OperatorConnection) async throws -> [CommandCompletion.Word] {
        try await connection.report().entries.compactMap { entry in
            guard case .preview(let preview, _) = entry.subject, !preview.isBeingDeleted else { return nil }
            let run = preview.runID?.text ?? preview.run?.text
            let words = [run.map { "run \($0)" }, preview.targetPort.map { "port \($0)" }].compactMap(\.self)
            return CommandCompletion.Word(text: preview.token.fingerprint, description: words.joined(separator: ", "))
        }
    }

    private static func requests(_ connection: OperatorConnection) async throws -> [CommandCompletion.Word] {
        try await connection.requests().filter { $0.state == .pending }.map {
            CommandCompletion.Word(text: $0.id.displayID, description: "run \($0.run), port \($0.port)")
        }
    }
}

extension PreviewGateway {
    /// The name under which kubectl looks for the completion of the plugin `kubectl-preview`.
    static let completionName = "kubectl_complete-preview"

    /// Runs the command line of this process. Under the name `kubectl_complete-preview` it completes another one.
    public static func runProcess() async {
        let words = CommandLine.arguments
        let name = words.first?.split(separator: "/").last.map(String.init)
        guard name == completionName else { return await main(nil) }
        await KubectlCompletion(line: Array(words.dropFirst())).run(in: .process)
    }
}
