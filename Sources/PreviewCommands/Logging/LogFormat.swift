internal import Logging

/// How lines of the log are written.
enum LogFormat: String, Sendable, CaseIterable {
    /// For people: time, level, metadata, message.
    case text
    /// For programs: one JSON object a line.
    case json

    /// A logger that writes to the standard error output.
    func logger(label: String, level: Logger.Level) -> Logger {
        var logger =
            switch self {
            case .text: Logger(label: label) { StreamLogHandler.standardError(label: $0) }
            case .json: Logger(label: label) { JSONLogHandler(label: $0) }
            }
        logger.logLevel = level
        return logger
    }
}
