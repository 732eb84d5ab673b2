import OpenSSLKit
import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PreviewTokenTests {
    struct GeneratorFailure: Error {}

    @Test func mintedTokensAreUniqueAndFitEveryName() throws {
        let random = SeededRandom(seed: 42)
        let zone = try ZoneSuffix("preview.example.com")
        var seen: Set<PreviewToken> = []
        for _ in 0..<10_000 {
            let token = try PreviewToken.mint { random.bytes($0) }
            seen.insert(token)
            let parts = token.text.split(separator: "-", omittingEmptySubsequences: false)
            #expect(parts.count == 4)
            #expect(parts.dropLast().allSatisfy { TokenWords.all.contains(String($0)) })
            #expect(parts.last?.utf8.count == 26)
            #expect(parts.last?.utf8.allSatisfy { Array("abcdefghijklmnopqrstuvwxyz234567".utf8).contains($0) } == true)
            #expect(token.text.utf8.count <= 50)
            #expect(DNSLabel.isValid(token.objectName.utf8))
            #expect(DNSLabel.isValid(token.host(zone: zone).utf8.prefix { $0 != UInt8(ascii: ".") }))
            #expect(PreviewToken(token.text) == token)
            #expect(PreviewToken(objectName: token.objectName) == token)
        }
        #expect(seen.count == 10_000)
    }

    @Test func theWordsHaveRandomBytesOfTheirOwn() throws {
        let token = try PreviewToken.mint { count in
            #expect(count == 19)
            return [UInt8](repeating: 0, count: 16) + [0, 128, 255]
        }
        let words = [TokenWords.all[0], TokenWords.all[128], TokenWords.all[255]]
        #expect(token.text == (words + [String(repeating: "a", count: 26)]).joined(separator: "-"))
    }

    @Test func aGeneratorThatFailsMakesMintingFail() {
        #expect(throws: GeneratorFailure.self) { try PreviewToken.mint { _ in throw GeneratorFailure() } }
    }

    @Test(arguments: [0, 16, 18, 20])
    func aWrongNumberOfBytesMakesMintingFail(count: Int) throws {
        let error = try #require(throws: WrongRandomByteCount.self) {
            try PreviewToken.mint { _ in [UInt8](repeating: 1, count: count) }
        }
        #expect(error.description == "the random generator returned \(count) bytes instead of 19")
    }

    @Test func librarysGeneratorMintsTokens() throws {
        let first = try PreviewToken.mint { try CSPRNG.bytes($0) }
        let second = try PreviewToken.mint { try CSPRNG.bytes($0) }
        #expect(first != second)
    }

    @Test(arguments: [
        Samples.tokenText, "a", "0", "earlier-service-token", "apis", "my-api", "a--b",
        String(repeating: "x", count: 55),
    ])
    func anyLabelWhoseNamesFitIsAToken(text: String) {
        #expect(PreviewToken(text)?.text == text)
        #expect(PreviewToken(objectName: "preview-" + text)?.text == text)
    }

    @Test(
        arguments: HostileTexts.all + [
            "agentweaver", "mcp", "api", "frontend", "-a", "a-", "A", "a.b", "a_b", "a ",
            String(repeating: "x", count: 56),
        ]
    )
    func nothingElseIsAToken(text: String) {
        #expect(PreviewToken(text) == nil)
        #expect(PreviewToken(objectName: "preview-" + text) == nil)
    }

    @Test(arguments: ["preview-", "preview", "Preview-abc", "xpreview-abc", " preview-abc", "preview-abc ", "abc", ""])
    func otherObjectNamesHoldNoToken(name: String) {
        #expect(PreviewToken(objectName: name) == nil)
    }

    @Test func namesAreMadeOfTheToken() throws {
        let token = Samples.token()
        #expect(token.objectName == "preview-\(Samples.tokenText)")
        #expect(token.host(zone: try ZoneSuffix("localhost")) == "\(Samples.tokenText)-preview.localhost")
    }

    @Test func everythingThatPrintsShowsTheFingerprintOnly() {
        let token = Samples.token()
        // Computed with sha256sum(1).
        #expect(token.fingerprint == "df4c5876")
        for text in printedForms(of: token) + printedForms(of: Samples.preview()) + ["\(["key": token])"] {
            #expect(text.contains(token.fingerprint))
            #expect(!text.contains("falcon"), "\(text)")
            #expect(!text.contains("k7m2"), "\(text)")
        }
        #expect(!Mirror(reflecting: token).children.contains { "\($0.value)".contains("falcon") })
    }
}
