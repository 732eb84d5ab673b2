import TestSupport
import Testing

@testable import PreviewCommands

@Suite("What the log says of the core API", .timeLimit(.minutes(1)))
struct CoreAPIReachabilityLogTests {
    @Test func oneLineSaysThatItIsLostAndOneThatItIsBack() {
        let log = RecordedLog()
        let reachabilityLog = CoreAPIReachabilityLog(uptime: { .seconds(5) }, logger: log.logger)
        for _ in 0..<10 { reachabilityLog.record(isReachable: false) }
        for _ in 0..<10 { reachabilityLog.record(isReachable: true) }
        #expect(
            log.messages == [
                "the core API cannot be reached; access to runs cannot be checked",
                "the core API can be reached again",
            ]
        )
        #expect(log.lines.last?.metadata["failed_requests"] == "10")
    }
}
