import Foundation
import Logging
import Synchronization
import Testing

@testable import PreviewCommands

@Suite("The log as JSON", .timeLimit(.minutes(10)))
struct JSONLogHandlerTests {
    private func lines(_ body: (inout Logger) -> Void) throws -> [[String: Any]] {
        let written = Mutex<[String]>([])
        var logger = Logger(label: "preview-gateway") { label in
            JSONLogHandler(label: label, now: { Date(timeIntervalSince1970: 1_800_000_000) }) { line in
                written.withLock { $0.append(line) }
            }
        }
        body(&logger)
        return try written.withLock(\.self).map { line in
            #expect(line.hasSuffix("\n") && line.dropLast().contains("\n") == false)
            return try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test func eachLineIsOneObject() throws {
        let lines = try lines { logger in
            logger[metadataKey: "hb.request.id"] = "1f"
            logger.warning("two\nlines, \"quoted\"", metadata: ["run": "a/b", "ports": ["3000", "3001"]])
        }
        let line = try #require(lines.first)
        #expect(line["time"] as? String == "2027-01-15T08:00:00.000Z")
        #expect(line["level"] as? String == "warning")
        #expect(line["logger"] as? String == "preview-gateway")
        #expect(line["message"] as? String == "two\nlines, \"quoted\"")
        let metadata = try #require(line["metadata"] as? [String: Any])
        #expect(metadata["run"] as? String == "a/b" && metadata["hb.request.id"] as? String == "1f")
        #expect(metadata["ports"] as? [String] == ["3000", "3001"])
    }

    @Test func linesBelowTheLevelAreNotWritten() throws {
        let lines = try lines { logger in
            logger.debug("not this one")
            logger.info("this one")
        }
        #expect(lines.map { $0["message"] as? String } == ["this one"])
        #expect(lines[0]["metadata"] == nil)
    }
}
