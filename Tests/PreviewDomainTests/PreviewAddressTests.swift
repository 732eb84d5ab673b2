import Testing

@testable import PreviewDomain

@Suite struct PreviewAddressTests {
    @Test func productionURLsHaveNoPort() throws {
        let address = PreviewAddress(zone: try ZoneSuffix("preview.example.com"))
        let url = address.previewURL(Samples.token())
        #expect(url == "https://\(Samples.tokenText)-preview.preview.example.com")
        #expect(url == "https://" + address.host(Samples.token()))
    }

    @Test func localURLsHaveThePortThatIsSet() throws {
        let address = PreviewAddress(zone: try ZoneSuffix("localhost"), scheme: .http, port: 8088)
        #expect(address.previewURL(Samples.token()) == "http://\(Samples.tokenText)-preview.localhost:8088")
    }
}
