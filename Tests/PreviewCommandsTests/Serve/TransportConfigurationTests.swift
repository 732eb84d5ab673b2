import CoreAPI
import CurlHTTP
import PreviewIdentity
import Testing

@testable import PreviewCommands

@Suite("The limits of the service's connections", .timeLimit(.minutes(1)))
struct TransportConfigurationTests {
    @Test func aReadFromThePlatformIsNotSentAgainWithinItsTime() {
        #expect(CurlConfiguration.platform.maxSilence > CoreAPIClient.readTimeout)
        #expect(CurlConfiguration.platform.maxSilence > RemoteKeySet.timeout)
    }
}
