internal import Basics
internal import FoundationEssentials
internal import Logging

/// Writes each log line as one JSON object: `time`, `level`, `logger`, `source`, `message`, and `metadata` as an object with
/// the same keys as in the text format.
struct JSONLogHandler: LogHandler {
    private let label: String
    private let now: @Sendable () -> Date
    private let write: @Sendable (String) -> Void

    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    /// - Parameter write: Writes one line, including its newline.
    init(
        label: String,
        now: @escaping @Sendable () -> Date = { Date() },
        write: @escaping @Sendable (String) -> Void = { LineWriter.standardError.write($0) }
    ) {
        self.label = label
        self.now = now
        self.write = write
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var merged = metadata
        if let provided = metadataProvider?.get() { merged.merge(provided) { $1 } }
        if let own = event.metadata { merged.merge(own) { $1 } }
        let line = Line(
            time: RFC3339.string(now()),
            level: event.level.rawValue,
            logger: label,
            source: event.source,
            message: event.message.description,
            metadata: merged.isEmpty ? nil : merged.mapValues(MetadataValue.init)
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(line) else { return }
        write(String(decoding: bytes, as: UTF8.self) + "\n")
    }

    private struct Line: Encodable {
        let time: String
        let level: String
        let logger: String
        let source: String
        let message: String
        let metadata: [String: MetadataValue]?
    }

    /// A metadata value; lists and dictionaries become JSON arrays and objects.
    private struct MetadataValue: Encodable {
        let value: Logger.Metadata.Value

        init(_ value: Logger.Metadata.Value) { self.value = value }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch value {
            case .string(let text): try container.encode(text)
            case .stringConvertible(let other): try container.encode(other.description)
            case .array(let list): try container.encode(list.map(MetadataValue.init))
            case .dictionary(let object): try container.encode(object.mapValues(MetadataValue.init))
            }
        }
    }
}

/// The format of log lines.
enum LogFormat: String, Sendable, CaseIterable {
    /// For people: time, level, metadata, message.
    case text
    /// One JSON object per line.
    case json

    /// A logger in this format.
    ///
    /// - Parameter writer: Writes the lines, by default to the standard error output.
    func logger(label: String, level: AdjustableLogLevel, writer: LineWriter = .standardError) -> Logger {
        switch self {
        case .text:
            return Logger(label: label) { label in
                let base = StreamLogHandler(label: label, stream: writer, metadataProvider: .requestTrace)
                return AdjustableLogHandler(base, level)
            }
        case .json:
            return Logger(label: label) { label in
                var base = JSONLogHandler(label: label, write: writer.write)
                base.metadataProvider = .requestTrace
                return AdjustableLogHandler(base, level)
            }
        }
    }
}
