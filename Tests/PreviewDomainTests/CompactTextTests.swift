import OpenSSLKit
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct CompactTextTests {
    private static let uuid = "0f8fad5b-d9cb-469f-a165-70867728950e"
    private static let token = "swift-falcon-amber-\(Base32.encode([UInt8](0..<16)))"

    @Test("Tokens, run IDs and run labels are stored without their text")
    func tokensRunIDsAndLabelsAreStoredWithoutTheirText() throws {
        let random = SeededRandom(seed: 11)
        for _ in 0..<200 {
            let token = try PreviewToken.mint { random.bytes($0) }.text
            let run = try RunID(Digest.sha256Hex(random.bytes(16)).prefix(32).description)
            for text in [token, run.text, RunLabel(run).text] {
                let compact = CompactText(text)
                #expect(compact.text == text)
                #expect(!"\(compact)".contains(text), "it is kept as a text")
            }
        }
        #expect(CompactText(Self.uuid).isUUID && !CompactText(Self.token).isUUID)
        #expect(MemoryLayout<CompactText>.size < 24)
    }

    /// Texts that resemble a token, a run ID or a run label, and others.
    private static let otherTexts: [String] = [
        "", "a", "-", "---", "agentweaver", "amber-\(token)", "e\u{301}", "é", "\0", "\(uuid)-", "-\(uuid)",
        "\(uuid)\(uuid)", "\(uuid)-0123abcd", "\(uuid)-0123ABCD", "\(uuid)-0123abc", "\(uuid)-0123abcde",
        "\(uuid)_0123abcd", "\(uuid)-0123abcg", "0f8fad5bd-9cb-469f-a165-70867728950e", "\(token)-", "\(token)a",
        "\(token.dropLast())", "\(token.dropLast())b", "\(token.dropLast())1",
        uuid, uuid.uppercased(), uuid.filter { $0 != "-" }, replacing("-", "_", in: uuid),
        replacing("f", "g", in: uuid),
        replacing("0", "٠", in: uuid), token, token.uppercased(), replacing("falcon", "falcons", in: token),
        replacing("falcon", "", in: token), replacing("-", "--", in: token), String(repeating: "x", count: 300_000),
    ]

    private static func replacing(_ part: String, _ other: String, in text: String) -> String {
        text.replacing(part, with: other)
    }

    @Test("Every text is returned unchanged, byte by byte", arguments: otherTexts)
    func everyTextIsReturnedUnchanged(text: String) {
        #expect(Array(CompactText(text).text.utf8) == Array(text.utf8))
    }

    @Test("Texts that differ in one character are different values")
    func textsThatDifferInOneCharacterAreDifferentValues() {
        let random = SeededRandom(seed: 12)
        let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyz-ABCDEF".utf8)
        for text in [Self.uuid, Self.uuid + "-0123abcd", Self.token] {
            for position in 0..<text.utf8.count {
                for _ in 0..<10 {
                    var bytes = Array(text.utf8)
                    bytes[position] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                    let other = String(decoding: bytes, as: UTF8.self)
                    #expect(CompactText(other).text == other)
                    #expect((CompactText(other) == CompactText(text)) == (other == text))
                }
            }
        }
    }
}
