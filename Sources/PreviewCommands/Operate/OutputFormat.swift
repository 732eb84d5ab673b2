internal import ArgumentParser
internal import FoundationEssentials
internal import Yams

/// How a list is printed, as kubectl's `--output` has it.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml, name
}

extension OutputFormat {
    /// A document as JSON or YAML; its coding keys are the members' names.
    func text(of document: some Encodable) throws -> String {
        if self == .yaml {
            let encoder = YAMLEncoder()
            encoder.options.sortKeys = true
            let text = try encoder.encode(document)
            return text.hasSuffix("\n") ? String(text.dropLast()) : text
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }
}
