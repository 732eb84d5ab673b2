import FoundationEssentials
import Testing

/// Runs the fuzzer's corpus without the fuzzer, so that faults that it has found do not return.
@Suite("The fuzzer's corpus", .timeLimit(.minutes(10)))
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus").path

    @Test(arguments: FuzzTarget.allCases)
    func everyInputSatisfiesItsProperties(target: FuzzTarget) async throws {
        let folder = "\(Self.folder)/\(target.rawValue)"
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(!names.isEmpty)
        for name in names {
            let input = try #require(FileManager.default.contents(atPath: "\(folder)/\(name)"))
            do {
                try await target.run(Array(input))
            } catch {
                Issue.record("\(target.rawValue)/\(name): it does not hold that \(error)")
            }
        }
    }

    @Test func everyFolderBelongsToATarget() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder)
        #expect(Set(folders) == Set(FuzzTarget.allCases.map(\.rawValue)))
    }

    @Test func aBrokenPropertyIsReported() throws {
        #expect(throws: BrokenProperty.self) { try require(false, "this holds") }
        #expect(throws: BrokenProperty.self) { try require(Int?.none, "this is there") }
    }
}
