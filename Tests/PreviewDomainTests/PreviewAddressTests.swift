import Basics
import Testing

@testable import PreviewDomain

@Suite(.timeLimit(.minutes(10))) struct PreviewAddressTests {
    @Test func productionURLsHaveNoPort() throws {
        let address = PreviewAddress(zone: try ZoneSuffix("preview.example.com"))
        let url = address.previewURL(Samples.token()).value
        #expect(url == "https://\(Samples.tokenText)-preview.preview.example.com")
        #expect(url == "https://" + address.host(Samples.token()).value)
    }

    @Test func localURLsHaveThePortThatIsSet() throws {
        let address = PreviewAddress(zone: try ZoneSuffix("localhost"), scheme: .http, port: 8088)
        #expect(address.previewURL(Samples.token()).value == "http://\(Samples.tokenText)-preview.localhost:8088")
    }

    @Test func tokensAndURLsArePrintedRedacted() throws {
        let address = PreviewAddress(zone: try ZoneSuffix("preview.example.com"))
        for secret in [address.previewURL(Samples.token()), address.host(Samples.token())] {
            #expect("\(secret) \([secret]) \(String(reflecting: secret))".contains(Samples.tokenText) == false)
        }
    }
}
