import FoundationEssentials
import PreviewIdentity
import TestSupport
import Testing

@Suite("The service key's file", .timeLimit(.minutes(10)))
struct ServiceKeyFileTests {
    private let clock = ManualClock()
    private let path = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString)").path

    private func withFile(_ body: (ServiceKeyFile) throws -> Void) throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        try write("the-first-key-0123456789")
        try body(
            ServiceKeyFile(
                path: path,
                key: try ServiceKeyFile.key(at: path),
                uptime: clock.uptime,
                logger: .silent
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

    /// Kubernetes updates a mounted Secret by pointing a symbolic link at another folder.
    @Test func aChangedSymbolicLinkIsFollowed() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "secret-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for (name, key) in [("old", "the-first-key-0123456789"), ("new", "the-second-key-0123456789")] {
            try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            try Data(key.utf8).write(to: URL(filePath: "\(folder)/\(name)/api-key"))
        }
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/data", withDestinationPath: "old")
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/api-key", withDestinationPath: "data/api-key")
        let file = ServiceKeyFile(
            path: "\(folder)/api-key",
            key: try ServiceKeyFile.key(at: "\(folder)/api-key"),
            uptime: clock.uptime,
            logger: .silent
        )
        #expect(file.key.matches("the-first-key-0123456789"))
        try FileManager.default.removeItem(atPath: "\(folder)/data")
        try FileManager.default.createSymbolicLink(atPath: "\(folder)/data", withDestinationPath: "new")
        clock.advance(by: ServiceKeyFile.checkInterval)
        #expect(file.key.matches("the-second-key-0123456789"))
    }
}
