import OpenSSLKit
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct RunLabelTests {
    @Test(arguments: [
        ("abc", "abc-ba7816bf"),
        // The digests were computed with sha256sum(1).
        ("Run_1", "run-1-f3a089d7"),
        ("550e8400-e29b-41d4-a716-446655440000", "550e8400-e29b-41d4-a716-446655440000-a3a9e1ed"),
        ("a..", "a-aed2eb3f"),
    ])
    func theLabelIsTheIdAndADigest(id: String, expected: String) throws {
        #expect(try RunID(id).label.text == expected)
    }

    @Test func anEmptyRestBecomesRun() {
        #expect(RunLabel.text(runID: "") == "run-e3b0c442")
        for text in ["...", "---", "🦊", "\0"] {
            #expect(RunLabel.text(runID: text) == "run-" + Digest.sha256Hex(text.utf8).prefix(8))
        }
    }

    @Test func aLongIdIsCutSoThatTheDigestFits() throws {
        let label = try RunID(String(repeating: "a", count: 128)).label
        #expect(label.text.utf8.count == 63)
        #expect(label.text.hasPrefix(String(repeating: "a", count: 54) + "-"))
    }

    @Test func idsThatLookAlikeHaveDifferentLabels() throws {
        let ids = ["a.b", "a-b", "a_b", "A-b", "a-b-", "a-b."]
        #expect(Set(try ids.map { try RunID($0).label }).count == ids.count)
        let long = String(repeating: "a", count: 100)
        #expect(try RunID(long + "x").label != RunID(long + "y").label)
    }

    @Test func everyTextHasAValidLabel() {
        let random = SeededRandom(seed: 1)
        let alphabet = Array("abcXYZ019._-".unicodeScalars) + ["\0", "/", "é", "🦊"]
        for _ in 0..<5_000 {
            var text = ""
            for _ in 0..<Int(random.next() % 130) {
                text.unicodeScalars.append(alphabet[Int(random.next() % UInt64(alphabet.count))])
            }
            let label = RunLabel.text(runID: text)
            #expect(DNSLabel.isValid(label.utf8), "\(label)")
            #expect(RunLabel(existing: label)?.text == label)
        }
    }

    @Test(arguments: ["a", "A.b_c-9", "run", String(repeating: "x", count: 63)])
    func anyLabelValueIsTakenAsItIs(text: String) {
        #expect(RunLabel(existing: text)?.text == text)
    }

    @Test(arguments: HostileTexts.all + ["-a", "a-", ".a", "a.", "_a", "a/b", String(repeating: "x", count: 64)])
    func anInvalidLabelValueIsRefused(text: String) {
        #expect(RunLabel(existing: text) == nil)
    }
}
