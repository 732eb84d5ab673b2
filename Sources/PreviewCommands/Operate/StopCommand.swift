internal import ArgumentParser
internal import PreviewControl
internal import PreviewDomain

/// `preview-gateway stop`: ends previews.
struct StopCommand: OperatorCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop previews: their addresses accept no new requests.",
        discussion: discussion
    )

    @OptionGroup var arguments: PreviewArguments

    @Flag(help: "Stop all previews of a run that has several.")
    var all = false

    @OptionGroup var options: OperatorOptions

    func run(_ connection: OperatorConnection, _ context: OperatorContext) async throws {
        let references = try arguments.references()
        let entries = try await connection.report().entries
        // All references are resolved before the first preview is stopped, so that an ambiguous one stops nothing. A preview
        // that several of them name is stopped once.
        var previews: [Preview] = []
        for reference in references {
            let found = try find(reference, in: entries)
            previews += found.filter { preview in !previews.contains { $0.token == preview.token } }
        }
        for preview in previews {
            let failure = await stop(preview, connection)
            if failure == nil { context.print("Stopped preview \(preview.token.fingerprint).") }
            // Also after a failure, because the preview's HTTPRoute may have been deleted.
            for warning in await connection.recordEvents() { context.warn(warning) }
            if let failure { throw failure }
        }
    }

    /// - Returns: The reason for which the preview could not be stopped; `nil` if it was.
    private func stop(_ preview: Preview, _ connection: OperatorConnection) async -> CommandFailure? {
        // Stopping verifies the run, so a preview without one cannot be stopped here.
        guard let run = preview.run else {
            return CommandFailure("preview \(preview.token.fingerprint) has no valid run; delete it with kubectl")
        }
        do {
            try await connection.core.previews.stop(run: run, token: preview.token)
            return nil
        } catch {
            return CommandFailure("preview \(preview.token.fingerprint) could not be stopped", refused: error)
        }
    }

    private func find(_ reference: PreviewReference, in entries: [ReapEntry]) throws -> [Preview] {
        let previews = entries.compactMap { entry -> Preview? in
            guard case .preview(let preview, _) = entry.subject, reference.matches(entry), !preview.isBeingDeleted
            else { return nil }
            return preview
        }
        guard !previews.isEmpty else {
            throw CommandFailure("no preview matches; 'list' prints all")
        }
        guard previews.count == 1 || all else {
            let names = previews.map(\.token.fingerprint).joined(separator: ", ")
            throw CommandFailure("\(previews.count) previews match: \(names); specify one, or add --all")
        }
        return previews
    }
}
