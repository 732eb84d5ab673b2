import ArgumentParser
import PreviewDomain
import Testing

@testable import PreviewCommands

@Suite("References to a preview on the command line", .timeLimit(.minutes(10)))
struct PreviewReferenceTests {
    private static let text = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"
    private static let run = "3f2a9c1e-0000-4000-8000-000000000001"

    @Test func aReferenceIsAFingerprintTokenObjectNameURLOrRun() throws {
        let token = try #require(PreviewToken(Self.text))
        let run = try RunID(Self.run).label
        let other = try RunID("4f2a9c1e-0000-4000-8000-000000000002").label
        let references = [
            token.fingerprint, token.fingerprint.uppercased(), Self.text, token.objectName,
            "https://\(Self.text)-preview.preview.example.com", "http://\(Self.text)-preview.localhost:8088/a/b?c=d#e",
        ]
        for reference in references {
            #expect(try PreviewReference(reference).matches(token, of: other))
            #expect(try PreviewReference(reference).matches(token, of: nil))
        }
        #expect(try PreviewReference(Self.run).matches(token, of: run))
        #expect(try PreviewReference(Self.run.uppercased()).matches(token, of: run))
        #expect(try !PreviewReference(Self.run).matches(token, of: other))
        #expect(try !PreviewReference(Self.run).matches(token, of: nil))
        #expect(try !PreviewReference("00000000").matches(token, of: run))
        #expect(throws: ValidationError.self) { try PreviewReference("https://\(Self.text).preview.example.com") }
    }

    @Test(arguments: ["", "x y", "../../etc", "\(text)\(text)\(text)", "-TOKEN", "1234567g!", "https://", "https://x"])
    func otherTextIsRefusedWithoutBeingRepeated(text: String) throws {
        let error = try #require(#expect(throws: ValidationError.self) { try PreviewReference(text) })
        #expect(error.message.contains("Expected a fingerprint of 8 hexadecimal digits, a preview's token or URL"))
        #expect(text.isEmpty || !error.message.contains(text))
    }
}
