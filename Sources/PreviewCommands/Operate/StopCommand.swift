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
        // All references are resolved before the first preview is stopped, so that an ambiguous one stops nothing.
        let previews = try references.map { try find($0, in: entries) }.joined()
        for preview in previews {
            // Stopping verifies the run, so a preview without one cannot be stopped here.
            guard let run = preview.run else {
                throw CommandFailure(
                    "preview \(preview.token.fingerprint) has no valid run; delete it with kubectl"
                )
            }
            do {
                try await connection.core.previews.stop(run: run, token: preview.token)
            } catch {
                throw CommandFailure("preview \(preview.token.fingerprint) could not be stopped", refused: error)
            }
            context.print("Stopped preview \(preview.token.fingerprint).")
        }
        for failure in await connection.recordEvents() { context.warn(failure) }
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
