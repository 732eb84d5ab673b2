import Basics
import FoundationEssentials
import Testing

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite(.timeLimit(.minutes(1))) struct SmallFileTests {
    private func withFile(_ bytes: [UInt8], _ body: (String) throws -> Void) throws {
        let path = "\(FileManager.default.temporaryDirectory.path)/small-file-\(UInt64.random(in: .min ... .max))"
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test func aFileIsReadUpToItsLimit() throws {
        try withFile(Array("zwölf".utf8)) { path in
            let text = try SmallFile.read(path, maxBytes: 6)
            #expect(text == "zwölf")
            #expect(throws: SmallFile.Failure.tooLarge(maxBytes: 5)) { try SmallFile.read(path, maxBytes: 5) }
        }
    }

    @Test func aFileThatIsNotTextIsRefused() throws {
        try withFile([0xC3, 0x28]) { path in
            #expect(throws: SmallFile.Failure.notUTF8) { try SmallFile.read(path, maxBytes: 10) }
        }
        #expect(throws: SmallFile.Failure.unreadable) { try SmallFile.read("/does/not/exist", maxBytes: 10) }
        #expect(throws: SmallFile.Failure.unreadable) { try SmallFile.read("/", maxBytes: 10) }
    }

    @Test func anEndlessDeviceEndsAtTheLimit() {
        #expect(throws: SmallFile.Failure.tooLarge(maxBytes: 1000)) { try SmallFile.read("/dev/zero", maxBytes: 1000) }
    }

    @Test func aPipeWithoutAWriterIsNotWaitedForWhereThatIsAsked() throws {
        let path = "\(FileManager.default.temporaryDirectory.path)/pipe-\(UInt64.random(in: .min ... .max))"
        try #require(mkfifo(path, 0o600) == 0)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try SmallFile.read(path, maxBytes: 10, waitsForWriter: false).isEmpty)
    }
}
