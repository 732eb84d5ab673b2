import Logging
import Synchronization

/// Every line that anything in this process logs, at every level, as a handler would print it.
final class CollectedLog: Sendable {
    /// The logging system is set up once for a process.
    static let shared: CollectedLog = {
        let log = CollectedLog()
        LoggingSystem.bootstrap { label in Handler(label: label, log: log) }
        return log
    }()

    private let collected = Mutex<[String]>([])

    var lines: [String] { collected.withLock { $0 } }

    func logger(_ label: String) -> Logger {
        var logger = Logger(label: label)
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let label: String
        let log: CollectedLog
        var metadata: Logger.Metadata = [:]
        var metadataProvider: Logger.MetadataProvider?
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            let error = event.error.map { " \($0) \(String(reflecting: $0))" } ?? ""
            log.collected.withLock {
                $0.append("\(event.level) \(label) [\(event.source)] \(event.message) \(all)\(error)")
            }
        }
    }
}
