internal import ArgumentParser
internal import FoundationEssentials
internal import YAMLKit

/// How a list is printed, as kubectl's `--output` has it.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    case table, wide, json, yaml, name
}

/// How a report is printed: for people, or for programs.
enum ReportFormat: String, CaseIterable, ExpressibleByArgument {
    case table, json
}

extension OutputFormat {
    /// A document as JSON or YAML; its coding keys are the members' names.
    func text(of document: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(document)
        if self == .yaml { return try YAMLNode.document(in: json)?.yaml ?? "" }
        return String(decoding: json, as: UTF8.self)
    }
}
