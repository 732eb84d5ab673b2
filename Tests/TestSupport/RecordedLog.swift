public import Logging
internal import Synchronization

/// A log that keeps the lines of every level.
public final class RecordedLog: Sendable {
    /// One line, as the logger passed it to the handler.
    public struct Line: Sendable {
        public let level: Logger.Level
        public let message: String
        /// The line's own metadata, merged with the logger's.
        public let metadata: [String: String]
        private let origin: String
        private let error: String

        init(_ event: LogEvent, label: String, of metadata: Logger.Metadata) {
            level = event.level
            message = "\(event.message)"
            self.metadata = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
            origin = "\(label) [\(event.source)]"
            error = event.error.map { " \($0) \(String(reflecting: $0))" } ?? ""
        }

        /// The whole line, as a handler may print it.
        public var text: String { "\(level) \(origin) \(message) \(metadata)\(error)" }
    }

    /// Everything that this process logs through loggers without a handler of their own. The logging system can be
    /// bootstrapped only once in a process.
    public static let ofProcess: RecordedLog = {
        let log = RecordedLog()
        LoggingSystem.bootstrap { label in Handler(log: log, label: label) }
        return log
    }()

    private let recorded = Mutex<[Line]>([])

    public init() {}

    public var lines: [Line] { recorded.withLock(\.self) }
    /// The constant messages of all lines.
    public var messages: [String] { lines.map(\.message) }
    /// All lines, as a handler may print them.
    public var texts: [String] { lines.map(\.text) }

    public var logger: Logger { Logger(label: "test") { Handler(log: self, label: $0) } }

    private struct Handler: LogHandler {
        let log: RecordedLog
        let label: String
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(event, label: label, of: metadata)
            log.recorded.withLock { $0.append(line) }
        }
    }
}
