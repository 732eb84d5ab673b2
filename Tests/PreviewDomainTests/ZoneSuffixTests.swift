import TestSupport
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct ZoneSuffixTests {
    static let label63 = String(repeating: "a", count: 63)

    @Test(arguments: [
        "localhost", "preview.example.com", "a.b", "1a.2b.c3", "xn--bcher-kva.example",
        "\(label63).\(label63).a",
    ])
    func dnsNamesAreZones(text: String) throws {
        #expect(try ZoneSuffix(text).text == text)
    }

    @Test func upperCaseIsFolded() throws {
        #expect(try ZoneSuffix("Preview.EXAMPLE.com").description == "preview.example.com")
    }

    @Test(
        arguments: HostileTexts.all + [
            ".a", "a.", "a..b", "-a.b", "a-.b", "*.example.com", "example.com:8080", "https://example.com", "127.0.0.1",
            "1",
            "a.7", "[::1]", "a_b.example", "\(label63)a.b", "\(label63).\(label63).\(label63).a",
        ]
    )
    func everythingElseIsRefusedInOneBoundedPrintableSentence(text: String) throws {
        let error = try #require(throws: InvalidZoneSuffix.self) { try ZoneSuffix(text) }
        #expect(error.message.hasSuffix("expected a DNS name of at most 189 characters such as preview.example.com"))
        #expect(error.message.utf8.count < 700)
        #expect(error.message.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test func theLongestHostNameIsStillADNSName() throws {
        let zone = try ZoneSuffix(
            [Self.label63, Self.label63, String(repeating: "a", count: 61)].joined(separator: ".")
        )
        #expect(zone.text.utf8.count == ZoneSuffix.maximumLength)
        let token = Samples.token(String(repeating: "t", count: PreviewToken.maximumLength))
        #expect(token.host(zone: zone).utf8.count == 253)
    }
}
