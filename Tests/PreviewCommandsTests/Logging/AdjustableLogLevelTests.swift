import ArgumentParser
import Foundation
import Logging
import Synchronization
import Testing

@testable import PreviewCommands

@Suite("The level of the log", .timeLimit(.minutes(1)))
struct AdjustableLogLevelTests {
    private final class Written: Sendable {
        private let text = Mutex("")
        func append(_ line: String) { text.withLock { $0 += line } }
        func contains(_ part: String) -> Bool { text.withLock { $0.contains(part) } }
    }

    @Test func theLevelChangesForExistingLoggers() {
        let level = AdjustableLogLevel(.info)
        let written = Written()
        let logger = Logger(label: "a") {
            AdjustableLogHandler(JSONLogHandler(label: $0, write: written.append), level)
        }
        var copy = logger
        copy[metadataKey: "run"] = "1"
        copy.debug("before")
        level.toggle()
        copy.debug("meanwhile")
        logger.trace("too small")
        level.toggle()
        logger.debug("after")
        #expect(written.contains("meanwhile") && written.contains(#""run":"1""#))
        for text in ["before", "too small", "after"] { #expect(!written.contains(text)) }
    }

    @Test(arguments: [
        (Logger.Level.error, Logger.Level.debug), (.info, .debug), (.debug, .debug), (.trace, .trace),
    ])
    func theLevelNeverGetsLessDetailed(configured: Logger.Level, changed: Logger.Level) {
        let level = AdjustableLogLevel(configured)
        #expect(level.current == configured)
        level.toggle()
        #expect(level.current == changed)
        level.toggle()
        #expect(level.current == configured)
    }

    @Test func aLoggersOwnLevelWins() {
        let level = AdjustableLogLevel(.info)
        var handler = AdjustableLogHandler(JSONLogHandler(label: "a"), level)
        handler.logLevel = .error
        level.toggle()
        #expect(handler.logLevel == .error)
    }

    @Test(arguments: ["0", "-1"])
    func aGroupOfProcessesIsNotSignalled(pid: String) {
        #expect(throws: (any Error).self) { try DebugLogCommand.parse(["--pid=\(pid)"]) }
    }
}
