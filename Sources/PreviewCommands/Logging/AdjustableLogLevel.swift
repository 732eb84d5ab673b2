internal import HTTPTransport
internal import Logging
internal import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// The log level, which a signal changes while the service runs.
final class AdjustableLogLevel: Sendable {
    private let configured: Logger.Level
    private let isDetailed = Atomic(false)

    /// - Parameter configured: The level from the settings.
    init(_ configured: Logger.Level) {
        self.configured = configured
    }

    var current: Logger.Level { isDetailed.load(ordering: .relaxed) ? min(.debug, configured) : configured }

    /// Switches between the configured level and `debug`.
    func toggle() {
        isDetailed.store(!isDetailed.load(ordering: .relaxed), ordering: .relaxed)
    }
}

/// A log handler whose level may change at any time.
///
/// The metadata reaches the base handler with each line that is written, not with each change: the handler for text formats
/// its metadata whenever they change, and most requests change them and write no line.
struct AdjustableLogHandler<Base: LogHandler>: LogHandler {
    private let base: Base
    private let level: AdjustableLogLevel
    /// A level that was set on this copy of the logger; it overrides the adjustable one.
    private var ownLevel: Logger.Level?
    var metadata: Logger.Metadata
    var metadataProvider: Logger.MetadataProvider?

    init(_ base: Base, _ level: AdjustableLogLevel) {
        self.base = base
        self.level = level
        metadata = base.metadata
        metadataProvider = base.metadataProvider
    }

    var logLevel: Logger.Level {
        get { ownLevel ?? level.current }
        set { ownLevel = newValue }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var handler = base
        handler.metadata = metadata
        handler.metadataProvider = metadataProvider
        handler.log(event: event)
    }
}

/// Switches the log level on SIGUSR1.
struct LogLevelSignal: Service {
    static let signal = UnixSignal.sigusr1

    let level: AdjustableLogLevel
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: Self.signal).cancelOnGracefulShutdown() {
            level.toggle()
            // Logged as critical so that it appears at every level, and the sender of the signal sees the new level.
            logger.critical("the log level changed", metadata: ["level": "\(level.current)"])
        }
    }
}

extension Logger.MetadataProvider {
    /// Adds the identifiers of the current request to each line.
    static let requestTrace = Logger.MetadataProvider {
        guard let trace = RequestTrace.current else { return [:] }
        return ["trace_id": "\(trace.traceID)", "request_id": "\(trace.requestID)"]
    }
}
