public import Logging
internal import Synchronization

/// Keeps what is logged through its logger.
public final class RecordingLog: Sendable {
    private struct Line {
        let message: String
        let metadata: Logger.Metadata
    }

    private let recorded = Mutex<[Line]>([])

    public init() {}

    /// Logs into this, at every level.
    public var logger: Logger {
        var logger = Logger(label: "test") { _ in Handler(log: self) }
        logger.logLevel = .trace
        return logger
    }

    /// The constant texts of all lines.
    public var messages: [String] { recorded.withLock { $0.map(\.message) } }

    /// All lines with their metadata.
    public var lines: [String] { recorded.withLock { $0.map { "\($0.message) \($0.metadata)" } } }

    private struct Handler: LogHandler {
        let log: RecordingLog
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = Line(message: "\(event.message)", metadata: event.metadata ?? [:])
            log.recorded.withLock { $0.append(line) }
        }
    }
}
