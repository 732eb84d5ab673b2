import Testing

@testable import DevCluster

@Suite("The demonstration's client of the service", .timeLimit(.minutes(10)))
struct ServiceClientTests {
    @Test(
        arguments: [
            ("provision;dur=12.5, readiness;dur=30", Duration.milliseconds(12.5)),
            ("readiness;dur=30, provision;dur=7", .milliseconds(7)),
            (nil, nil), ("", nil), ("provision", nil), ("provision;dur=x", nil), ("provisioning;dur=1", nil),
        ] as [(String?, Duration?)]
    )
    func theTimeUntilBothObjectsExistIsRead(header: String?, duration: Duration?) {
        #expect(ServiceClient.provisioning(header) == duration)
    }

    @Test func theAuthorityOfAPreviewsURLHasItsPort() {
        #expect(PageFetcher.authority(of: "http://a-preview.localhost:8088") == "a-preview.localhost:8088")
        #expect(PageFetcher.authority(of: "http://a-preview.localhost:8088/x") == "a-preview.localhost:8088")
    }
}
