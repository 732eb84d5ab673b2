import HTTPTransport
import HTTPTypes
import PreviewCluster
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

/// What the probe asks of an app that nobody trusts, and what it takes from it.
@Suite("The probe through the gateway")
struct GatewayProbeTests {
    private static let marker = ["x-envoy-upstream-service-time": "3"]
    private let token: PreviewToken
    private let address: PreviewAddress

    init() throws {
        token = try #require(PreviewToken("swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"))
        address = PreviewAddress(zone: try ZoneSuffix("previews.example.com"), port: 8443)
    }

    private func probe(_ reply: ScriptedTransport.Reply) async -> (ProbeOutcome, ScriptedTransport) {
        let transport = ScriptedTransport(clock: ManualClock(), [reply])
        return (await GatewayProbe(transport: transport, address: address).probe(token), transport)
    }

    @Test func itAsksForTheAppsFirstPageAsANobody() async throws {
        let (outcome, transport) = await probe(.answer(status: 200, fields: Self.marker, body: []))
        #expect(outcome == .answered(status: 200))
        let request = try #require(transport.exchanges.first?.request)
        #expect(request.head.method == .get && request.head.path == "/" && request.head.scheme == "https")
        #expect(request.head.authority == "\(token.host(zone: address.zone)):8443")
        #expect(request.head.headerFields.isEmpty && request.body.isEmpty)
        #expect(request.timeout == .seconds(2))
    }

    @Test(arguments: ["http://169.254.169.254/latest/meta-data/", "https://kubernetes.default.svc/api", "//evil", "/"])
    func whereAnAppPointsNobodyGoes(location: String) async {
        let fields = Self.marker.merging(["Location": location, "Refresh": "0; url=\(location)"]) { $1 }
        for status in [301, 302, 307, 308] {
            let (outcome, transport) = await probe(.answer(status: status, fields: fields, body: []))
            #expect(outcome == .answered(status: status))
            #expect(transport.exchanges.count == 1)
        }
    }

    @Test func ofWhatAnAppSaysOnlyTheStatusIsTaken() async {
        // A body that is never read cannot hold the probe up.
        let (outcome, _) = await probe(.answer(status: 200, fields: Self.marker, body: [.chunk("x"), .hang]))
        #expect(outcome == .answered(status: 200))
    }

    @Test(arguments: [
        (404, true, ProbeOutcome.answered(status: 404)), (404, false, .unrouted), (502, false, .noApp(status: 502)),
        (503, false, .noApp(status: 503)), (504, false, .noApp(status: 504)), (503, true, .answered(status: 503)),
        (500, false, .answered(status: 500)),
    ])
    func theGatewaysOwnAnswersAreToldFromTheApps(status: Int, isFromApp: Bool, expected: ProbeOutcome) async {
        let (outcome, _) = await probe(.answer(status: status, fields: isFromApp ? Self.marker : [:], body: []))
        #expect(outcome == expected)
    }

    @Test(arguments: TransportError.Kind.allCases)
    func aFailureIsPutIntoWordsWithoutTheAddress(kind: TransportError.Kind) async {
        let (outcome, _) = await probe(.failure(kind))
        guard case .unreachable(let reason) = outcome else {
            Issue.record("\(kind) is \(outcome)")
            return
        }
        #expect(!reason.isEmpty && !reason.contains("scripted") && !reason.contains(token.text))
    }
}
