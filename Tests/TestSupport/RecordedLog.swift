public import Logging
internal import Synchronization

/// A log that keeps its lines.
public final class RecordedLog: Sendable {
    /// One line, as it was handed to the log.
    public struct Line: Sendable {
        public let level: Logger.Level
        public let message: String
        public let metadata: [String: String]

        /// All of it, as a handler would print it.
        public var text: String { "\(level) \(message) \(metadata)" }
    }

    private let collected = Mutex<[Line]>([])

    public init() {}

    public var lines: [Line] { collected.withLock { $0 } }

    public var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(
                level: event.level,
                message: "\(event.message)",
                metadata: (event.metadata ?? [:]).mapValues { "\($0)" }
            )
            log.collected.withLock { $0.append(line) }
        }
    }
}
