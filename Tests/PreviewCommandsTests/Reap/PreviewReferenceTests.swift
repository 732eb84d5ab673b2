import PreviewDomain
import Testing

@testable import PreviewCommands

@Suite("What an operator calls a preview by")
struct PreviewReferenceTests {
    private static let text = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"

    @Test func isItsFingerprintItsTokenOrItsObjectsName() throws {
        let token = try #require(PreviewToken(Self.text))
        for reference in [token.fingerprint, token.fingerprint.uppercased(), Self.text, token.objectName] {
            #expect(try PreviewReference(reference).names(token))
        }
        #expect(try !PreviewReference("00000000").names(token))
    }

    @Test(arguments: ["", "x y", "../../etc", "\(text)\(text)", "TOKEN", "1234567g!"])
    func anythingElseIsRefusedWithoutRepeatingIt(text: String) throws {
        let error = try #require(#expect(throws: SettingsError.self) { try PreviewReference(text) })
        #expect(error.description.contains("expected a fingerprint of 8 hexadecimal digits, or a token"))
        #expect(text.isEmpty || !error.description.contains(text))
    }
}
