internal import ArgumentParser
internal import PreviewControl
internal import PreviewDomain

/// `kubectl_complete-preview`: completes the words after `kubectl preview`.
///
/// kubectl runs a program of this name with the words after `kubectl preview`; the last word is the one being typed. It expects
/// one proposal per line, optionally with a tab and a description, and a last line with a colon and the directive for the shell
/// (kubectl, "Extend kubectl with plugins"; cobra, "Shell completions").
struct KubectlCompletion {
    /// The time limit for reading the cluster. A user waits for the shell meanwhile.
    private static let limit = Duration.seconds(2)
    private static let maxDescriptionLength = 80

    /// The words after `kubectl preview`; the last one is being typed and may be empty.
    let line: [String]

    func run(in context: OperatorContext) async {
        // An error message would be printed into the command line being typed, so errors propose no words.
        let candidates =
            (try? CommandCompletion(description: PreviewGateway._dumpHelp()).candidates(for: line)) ?? .words([])
        for word in await words(candidates, in: context) {
            let description = word.description.prefix { $0 != "\n" }.prefix(Self.maxDescriptionLength)
            context.print(description.isEmpty ? word.text : "\(word.text)\t\(description)")
        }
        context.print(candidates == .files ? ShellDirective.default.line : ShellDirective.noFiles.line)
    }

    /// The directive for the shell (cobra, `ShellCompDirective`).
    private enum ShellDirective: Int {
        case `default` = 0
        case noFiles = 4

        var line: String { ":\(rawValue)" }
    }

    private func words(_ candidates: CommandCompletion.Candidates, in context: OperatorContext)
        async -> [CommandCompletion.Word]
    {
        let found: [CommandCompletion.Word]
        switch candidates {
        case .words(let words): return words
        case .files: return []
        case .previews(let options): found = await read(options, context, Self.previews)
        case .requests(let options): found = await read(options, context, Self.requests)
        }
        let typed = line.last ?? ""
        let named = Set(line.dropLast())
        return found.filter { $0.text.hasPrefix(typed) && !named.contains($0.text) }
    }

    /// Reads words from the cluster.
    ///
    /// - Returns: No words if the cluster does not respond within ``limit`` or the request fails.
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
    /// The program name under which kubectl runs the completion of the plugin `kubectl-preview`.
    static let completionName = "kubectl_complete-preview"

    /// Runs the command line of this process. Started as `kubectl_complete-preview`, the process completes a command line
    /// instead.
    public static func runProcess() async {
        let words = CommandLine.arguments
        let name = words.first?.split(separator: "/").last.map(String.init)
        guard name == completionName else { return await main(nil) }
        await KubectlCompletion(line: Array(words.dropFirst())).run(in: .process)
    }
}
