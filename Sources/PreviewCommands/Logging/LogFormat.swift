internal import Logging

/// How lines of the log are written.
enum LogFormat: String, Sendable, CaseIterable {
    /// For people: time, level, metadata, message.
    case text
    /// For programs: one JSON object a line.
    case json

    /// A logger that writes to the standard error output.
    func logger(label: String, level: AdjustableLogLevel) -> Logger {
        switch self {
        case .text:
            return Logger(label: label) { label in
                let base = StreamLogHandler.standardError(label: label, metadataProvider: .requestTrace)
                return AdjustableLogHandler(base, level)
            }
        case .json:
            return Logger(label: label) { label in
                var base = JSONLogHandler(label: label)
                base.metadataProvider = .requestTrace
                return AdjustableLogHandler(base, level)
            }
        }
    }
}
