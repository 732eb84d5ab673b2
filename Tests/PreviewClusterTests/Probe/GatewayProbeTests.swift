import CurlHTTP
import HTTPTransport
import HTTPTypes
import PreviewControl
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import PreviewCluster

/// The probe's requests to an app that is not trusted, and what it reads from the responses.
@Suite("The probe through the gateway", .timeLimit(.minutes(10)))
struct GatewayProbeTests {
    private let token: PreviewToken
    private let address: PreviewAddress

    init() throws {
        token = try #require(PreviewToken("swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"))
        address = PreviewAddress(zone: try ZoneSuffix("previews.example.com"), port: 8443)
    }

    /// The fields that the preview's own route and an upstream add to a response.
    private var fields: [String: String] {
        ["x-envoy-upstream-service-time": "3", ResponseFields.markName: ResponseFields(token).mark]
    }

    private func probe(
        _ replies: ScriptedTransport.Reply...,
        names: (any NameLookup)? = nil
    ) async -> (ProbeOutcome, ScriptedTransport) {
        let transport = ScriptedTransport(clock: ManualClock(), replies)
        let probe = GatewayProbe(transport: transport, address: address, names: names)
        return (await probe.probe(token, timeout: .seconds(2)), transport)
    }

    private func redirect(to location: String, fields more: [String: String] = [:]) -> ScriptedTransport.Reply {
        .response(status: 302, fields: fields.merging(more) { $1 }.merging(["Location": location]) { $1 }, body: [])
    }

    @Test func aSentenceAfterALongStyleSheetIsRead() async {
        let body = String(repeating: " ", count: 5000) + "Blocked host"
        let (outcome, _) = await probe(.response(status: 403, fields: fields, body: [.chunk(body)]))
        #expect(outcome == .answered(ProbeResponse(status: 403, text: body)))
    }

    @Test func thePageOfHostsWithoutAPreviewIsKnownByItsMark() async {
        let fields = ["x-envoy-upstream-service-time": "1", ResponseFields.markName: RouteMark.noPreview]
        let (outcome, _) = await probe(.response(status: 404, fields: fields, body: []))
        #expect(outcome == .answered(ProbeResponse(status: 404, mark: nil, isEndedPage: true)))
    }

    @Test func theFirstPageIsRequestedWithoutHeaderFields() async throws {
        let (outcome, transport) = await probe(.response(status: 200, fields: fields, body: []))
        #expect(outcome == .answered(ProbeResponse(status: 200)))
        let request = try #require(transport.exchanges.first?.request)
        #expect(request.head.method == .get && request.head.path == "/" && request.head.scheme == "https")
        #expect(request.head.authority == "\(token.host(zone: address.zone)):8443")
        #expect(request.head.headerFields.isEmpty && request.body.isEmpty)
        #expect(request.headTimeout == .seconds(2))
    }

    @Test(arguments: [
        (
            "http://169.254.169.254/latest/meta-data/",
            ProbeResponse.RedirectEnd.elsewhere(origin: "http://169.254.169.254")
        ),
        ("https://kubernetes.default.svc/api", .elsewhere(origin: "https://kubernetes.default.svc")),
        ("//evil", .elsewhere(origin: "https://evil")),
        ("https://user:password@evil:1/", .elsewhere(origin: "https://evil:1")),
        ("http://localhost:3000/x", .local(origin: "http://localhost:3000")),
        ("http://127.0.0.1:3000", .local(origin: "http://127.0.0.1:3000")),
        ("http://[::1]/", .local(origin: "http://[::1]")),
        ("javascript:alert(1)", .elsewhere(origin: "javascript://alert(1)")), ("http://", .unreadable),
        ("a b", .unreadable),
        ("/", .loop),
    ])
    func redirectsToOtherOriginsAreNotFollowed(location: String, end: ProbeResponse.RedirectEnd) async {
        for status in [301, 302, 307, 308] {
            let reply = ScriptedTransport.Reply.response(
                status: status,
                fields: fields.merging(["Location": location, "Refresh": "0; url=\(location)"]) { $1 },
                body: []
            )
            let (outcome, transport) = await probe(reply)
            #expect(outcome == .answered(ProbeResponse(status: status, redirect: end)))
            #expect(transport.exchanges.count == 1)
        }
    }

    @Test func redirectsWithinThePreviewAreFollowedWithItsCookies() async throws {
        let host = token.host(zone: address.zone)
        let (outcome, transport) = await probe(
            redirect(to: "/login?next=/", fields: ["Set-Cookie": "id=1; Path=/; HttpOnly"]),
            redirect(to: "page"),
            redirect(to: "https://\(host):8443/other"),
            .response(status: 200, fields: fields, body: [])
        )
        #expect(outcome == .answered(ProbeResponse(status: 200)))
        let requests = transport.exchanges.map(\.request)
        #expect(requests.map(\.head.path) == ["/", "/login?next=/", "/page", "/other"])
        #expect(requests.map { $0.head.headerFields[.cookie] } == [nil, "id=1", "id=1", "id=1"])
        #expect(Set(requests.map(\.head.authority)).count == 1)
    }

    @Test func redirectsThatNeverEndAreALoop() async {
        let (outcome, transport) = await probe(
            redirect(to: "/1"),
            redirect(to: "/2"),
            redirect(to: "/3"),
            redirect(to: "/4"),
            redirect(to: "/5")
        )
        guard case .answered(let answer) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(answer.redirect == .loop && transport.exchanges.count == 5)
    }

    @Test func slowRedirectsDoNotProlongTheProbe() async {
        let clock = ManualClock()
        let transport = ScriptedTransport(clock: clock) { _, index in
            clock.advance(by: .milliseconds(1_900))
            return redirect(to: "/\(index)")
        }
        let probe = GatewayProbe(transport: transport, address: address, uptime: MonotonicTime(clock).uptime)
        #expect(await probe.probe(token, timeout: .seconds(2)) == .noResponse)
        let limits = transport.exchanges.map(\.request.headTimeout)
        #expect(limits == [.seconds(2), .seconds(2), .milliseconds(200)])
    }

    @Test func theHostByAnotherSchemeOrPortIsNotThePreview() async {
        let host = token.host(zone: address.zone)
        for location in ["http://\(host)/", "https://\(host)/", "https://\(host):3000/"] {
            let (outcome, _) = await probe(redirect(to: location))
            guard case .answered(let answer) = outcome, case .otherPort(let origin) = answer.redirect else {
                Issue.record("\(outcome)")
                continue
            }
            #expect(!origin.contains(token.text))
        }
    }

    @Test func theBodyOfAPageIsNotRead() async {
        // A body that is never read cannot delay the probe.
        let (outcome, _) = await probe(.response(status: 200, fields: fields, body: [.chunk("x"), .hang]))
        #expect(outcome == .answered(ProbeResponse(status: 200)))
    }

    @Test func ofAnErrorsBodyTheBeginningIsRead() async {
        let body = String(repeating: "x", count: 10_000)
        let (outcome, _) = await probe(
            .response(status: 500, fields: fields, body: [.chunk(body), .chunk(body), .chunk(body), .fail(.timedOut)])
        )
        #expect(outcome == .answered(ProbeResponse(status: 500, text: String((body + body).prefix(16_384)))))
        let (cut, _) = await probe(.response(status: 500, fields: fields, body: [.chunk("so far"), .fail(.timedOut)]))
        #expect(cut == .answered(ProbeResponse(status: 500, text: "so far")))
    }

    @Test func theMarkOfAnotherPreviewIsNone() async throws {
        let other = try #require(PreviewToken("left-behind"))
        var foreign = fields
        foreign[ResponseFields.markName] = ResponseFields(other).mark
        let (outcome, _) = await probe(.response(status: 200, fields: foreign, body: []))
        #expect(outcome == .answered(ProbeResponse(status: 200, mark: nil)))
    }

    @Test(arguments: [
        (TransportError.Kind.connect, TransportError.Cause?.none, ProbeOutcome.notConnected),
        (.connect, .name, .nameUnresolved), (.tls, .certificateExpired, .notTrusted(.expired)),
        (.tls, .certificateName, .notTrusted(.wrongName)), (.tls, .certificateUntrusted, .notTrusted(.untrusted)),
        (.tls, nil, .notTrusted(.handshake)), (.refused, nil, .notConnected), (.timedOut, nil, .noResponse),
        (.cancelled, nil, .broken), (.protocolViolation, nil, .broken),
    ])
    func everyFailureHasItsOutcome(
        kind: TransportError.Kind,
        cause: TransportError.Cause?,
        expected: ProbeOutcome
    ) async {
        let transport = FailingTransport(error: TransportError(kind, "", cause: cause))
        let probe = GatewayProbe(transport: transport, address: address)
        #expect(await probe.probe(token, timeout: .seconds(2)) == expected)
    }

    private struct FailingTransport: HTTPTransport {
        let error: TransportError

        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result { throw error }
    }

    private struct KnownNames: NameLookup {
        let answer: NameLookupResult

        func lookUp(_ host: String) async -> NameLookupResult { answer }
        func isAbsentLocally(_ host: String) async -> Bool { true }
    }

    @Test func aNameThatTheZoneDoesNotHaveIsNotAskedOfTheLocalResolver() async {
        let (outcome, transport) = await probe(names: KnownNames(answer: .absent))
        #expect(outcome == .nameNotFound && transport.exchanges.isEmpty)
    }

    @Test func theAddressThatTheZoneNamesIsConnectedTo() async {
        let page = ScriptedTransport.Reply.response(status: 200, fields: fields, body: [])
        let (_, transport) = await probe(page, names: KnownNames(answer: .found("192.0.2.1")))
        #expect(transport.exchanges.map(\.request.connectAddress) == ["192.0.2.1"])
    }

    // MARK: Broken answers

    private static let beginning = "HTTP/1.1 200 OK\r\nx-envoy-upstream-service-time: 3\r\n"
    private static let hugeHead = beginning + "X: \(String(repeating: "x", count: 1 << 20))\r\n\r\n"

    /// Only a complete head is a response, and a broken connection does not affect a later probe.
    @Test(arguments: [
        ("", RawPeer.Response.End.close, ProbeOutcome.broken), ("", .reset, .broken), ("", .keepOpen, .noResponse),
        (beginning, .close, .broken), (beginning, .reset, .broken), (beginning, .keepOpen, .noResponse),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", .close, .broken),
        ("HTTP/1.1 103 Early Hints\r\n\r\n", .keepOpen, .noResponse),
        ("\u{1}\u{2}nonsense\r\n\r\n", .close, .broken), ("\r\n\r\n", .close, .broken),
        ("HTTP/1.1 banana\r\n\r\n", .close, .broken),
        (hugeHead, .close, .broken),
    ])
    func aResponseWithoutACompleteHeadIsNone(bytes: String, end: RawPeer.Response.End, expected: ProbeOutcome)
        async throws
    {
        let mark = ResponseFields(token).mark
        let whole = RawPeer.Response(
            Self.beginning + "\(ResponseFields.markName): \(mark)\r\nContent-Length: 0\r\n\r\n",
            then: .keepOpen
        )
        let isBroken = Mutex(true)
        try await RawPeer.run({ _, _ in isBroken.withLock(\.self) ? .init(bytes, then: end) : whole }) { peer in
            let address = PreviewAddress(zone: self.address.zone, scheme: .http, port: peer.port)
            let transport = try CurlTransport(configuration: CurlConfiguration())
            let probe = GatewayProbe(
                transport: transport,
                address: address,
                names: KnownNames(answer: .found("127.0.0.1"))
            )
            #expect(await probe.probe(token, timeout: .seconds(1)) == expected)
            isBroken.withLock { $0 = false }
            #expect(await probe.probe(token, timeout: .seconds(5)) == .answered(ProbeResponse(status: 200)))
            await transport.shutdown()
            await waitWhile { peer.openConnectionCount > 0 }
        }
    }
}
