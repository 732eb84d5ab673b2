import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct Base32Tests {
    @Test(
        "The test vectors of RFC 4648, section 10, in lower case and without padding",
        arguments: [
            ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ]
    )
    func encodesPublishedVectors(text: String, expected: String) {
        #expect(Base32.encode(text.utf8) == expected)
    }

    @Test func sixteenBytesBecomeTwentySixCharacters() {
        #expect(Base32.encode([UInt8](repeating: 0xFF, count: 16)) == String(repeating: "7", count: 25) + "4")
        #expect(Base32.encode([UInt8](repeating: 0, count: 16)) == String(repeating: "a", count: 26))
    }

    @Test func everyCharacterStandsForTheNumberThatItEncodes() {
        for number in UInt8(0)..<32 {
            let character = Array(Base32.encode([number << 3]).utf8)[0]
            #expect(Base32.value(of: character) == number)
        }
        for other in "ABZ0189-= ".utf8 { #expect(Base32.value(of: other) == nil) }
    }
}
