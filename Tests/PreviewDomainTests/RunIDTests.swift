import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct RunIDTests {
    static let uuid = "550e8400-e29b-41d4-a716-446655440000"

    @Test(arguments: [
        "550e8400-e29b-41d4-a716-446655440000",
        "550E8400-E29B-41D4-A716-446655440000",
        "550e8400e29b41d4a716446655440000",
        "550E8400E29B41D4A716446655440000",
        "550E8400-e29b-41d4-A716-446655440000",
    ])
    func aUUIDInAnySpellingIsOneRun(spelling: String) throws {
        let run = try RunID(spelling)
        #expect(run.text == Self.uuid)
        #expect(run.isUUID)
        #expect(try run == RunID(Self.uuid))
        #expect(run.claimName == "agent-550e8400e29b")
        #expect(try run.label == RunID(Self.uuid).label)
    }

    @Test func aRunsClaimHasOneOfTwoNames() throws {
        #expect(try RunID(Self.uuid).claimNames == ["agent-550e8400e29b", "run-550e8400e29b41d4"])
        #expect(try RunID("a-b").claimNames == ["agent-ab", "run-ab"])
    }

    @Test(arguments: [
        "550e8400e29b-41d4-a716-446655440000",
        "550e8400-e29b-41d4-a716-44665544000",
        "550e8400-e29b-41d4-a716-4466554400000",
        "550e8400-e29b-41d4-a716-44665544000g",
        "550e8400.e29b.41d4.a716.446655440000",
        "550e8400-e29b-41d4-a7-6-446655440000",
        "550e8400e29b41d4a71644665544000",
    ])
    func textSimilarToAUUIDStaysUnchanged(text: String) throws {
        let run = try RunID(text)
        #expect(run.text == text)
        #expect(!run.isUUID)
    }

    @Test(arguments: ["a", "7", "Run_1", "v1.2.3", "a--", "x..", String(repeating: "Z", count: 128)])
    func otherIdsKeepTheirSpelling(text: String) throws {
        let run = try RunID(text)
        #expect(run.text == text)
        #expect(run.description == text)
        #expect(!run.isUUID)
    }

    @Test func caseTellsOtherIdsApart() throws {
        #expect(try RunID("build") != RunID("Build"))
        #expect(try RunID("build").label != RunID("Build").label)
    }

    @Test(arguments: [
        ("a", "agent-a"),
        ("a-b-c", "agent-abc"),
        ("nightly-build-2026", "agent-nightlybuild"),
        ("123456789012", "agent-123456789012"),
        ("1234567890123", "agent-123456789012"),
        ("a----------------", "agent-a"),
    ])
    func theClaimIsNamedAfterTheFirstTwelveCharacters(text: String, expected: String) throws {
        #expect(try RunID(text).claimName == expected)
    }

    @Test(arguments: HostileTexts.all + ["-a", "_a", ".a", "a b", "a\t", String(repeating: "a", count: 129)])
    func hostileTextIsRefusedInOneBoundedPrintableSentence(text: String) throws {
        let error = try #require(throws: InvalidRunID.self) { try RunID(text) }
        #expect(error.message.hasSuffix("the first a letter or digit."))
        #expect(error.message.utf8.count < 700)
        #expect(error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test(arguments: [
        ("", "The run ID is empty"),
        ("../x", "The run ID has a character that is not allowed"),
        ("a\n\"", "The run ID has a character that is not allowed"),
        ("-a", "The run ID does not start with a letter or digit"),
        (String(repeating: "a", count: 10_240), "The run ID is 10240 bytes long"),
    ])
    func theSentenceSaysWhatWasWrong(text: String, problem: String) throws {
        let error = try #require(throws: InvalidRunID.self) { try RunID(text) }
        let expected = "expected 1 to 128 characters of A-Z, a-z, 0-9, '.', '_' and '-', the first a letter or digit."
        #expect(error.message == "\(problem); \(expected)")
        #expect(error.description == error.message)
    }
}
