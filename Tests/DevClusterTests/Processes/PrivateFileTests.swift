import DevCluster
import FoundationEssentials
import TestSupport
import Testing

@Suite("Private files", .timeLimit(.minutes(10)))
struct PrivateFileTests {
    @Test func onlyTheOwnerMayReadTheNewContent() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/secret"
            try Data("old".utf8).write(to: URL(filePath: path))
            try PrivateFile.write("new".utf8, to: path)
            #expect(FileManager.default.contents(atPath: path) == Data("new".utf8))
            let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions]
            #expect((permissions as? Int) == 0o600)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["secret"])
        }
    }

    @Test func aMissingFolderIsReportedInOneSentence() {
        #expect(throws: DevClusterFailure.self) { try PrivateFile.write([1], to: "/no/such/folder/file") }
    }
}
