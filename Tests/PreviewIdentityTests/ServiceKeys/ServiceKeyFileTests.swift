import FoundationEssentials
import Logging
import PreviewIdentity
import TestSupport
import Testing

@Suite("The service key's file")
struct ServiceKeyFileTests {
    private let clock = ManualClock()
    private let path = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString)").path

    private func withFile(_ body: (ServiceKeyFile) throws -> Void) throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write("the-first-key-0123456789")
        let (clock, origin) = (clock, clock.now)
        try body(
            ServiceKeyFile(
                path: path,
                key: try ServiceKeyFile.key(at: path),
                uptime: { origin.duration(to: clock.now) },
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        )
    }

    private func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }

    @Test func aNewKeyReplacesTheOldOneSoon() throws {
        try withFile { file in
            try write("the-second-key-0123456789")
            #expect(file.key.matches("the-first-key-0123456789"))
            clock.advance(by: ServiceKeyFile.checkInterval)
            #expect(file.key.matches("the-second-key-0123456789"))
            #expect(!file.key.matches("the-first-key-0123456789"))
        }
    }

    @Test(arguments: ["", "short", "not a key at all, with spaces", String(repeating: "k", count: 5000)])
    func badContentKeepsTheOldKey(content: String) throws {
        try withFile { file in
            try write(content)
            clock.advance(by: ServiceKeyFile.checkInterval)
            #expect(file.key.matches("the-first-key-0123456789"))
            try write("the-second-key-0123456789\n")
            clock.advance(by: ServiceKeyFile.checkInterval)
            #expect(file.key.matches("the-second-key-0123456789"))
        }
    }

    @Test func aMissingFileOrAFolderKeepsTheOldKey() throws {
        try withFile { file in
            try FileManager.default.removeItem(atPath: path)
            clock.advance(by: ServiceKeyFile.checkInterval)
            #expect(file.key.matches("the-first-key-0123456789"))
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            clock.advance(by: ServiceKeyFile.checkInterval)
            #expect(file.key.matches("the-first-key-0123456789"))
        }
    }
}
