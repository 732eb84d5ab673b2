import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import Testing

@testable import Router

@Suite("Forwarded heads", .timeLimit(.minutes(10)))
struct ForwardedRequestTests {
    private func forwarded(_ fields: HTTPFields, path: String = "/a?b", client: String? = "192.0.2.1") throws
        -> HTTPRequest
    {
        let request = HTTPRequest(
            method: .get,
            scheme: "http",
            authority: "front.example.com",
            path: path,
            headerFields: fields
        )
        let base = try BaseURL("https://core.example.com:8443/base/")
        return ForwardedRequest(request, client: client, to: base, id: "an-id").head
    }

    private func field(_ name: String, _ value: String) -> HTTPField {
        HTTPField(name: HTTPField.Name(name) ?? .accept, value: value)
    }

    @Test func theTargetIsUntouchedAndTheHostIsTheCoreAPIs() throws {
        let head = try forwarded([:], path: "//a/./b/%2e%2E?x=%zz&&")
        #expect(head.path == "/base//a/./b/%2e%2E?x=%zz&&")
        #expect(head.authority == "core.example.com:8443")
        #expect(head.scheme == "https")
        #expect(try forwarded([:], path: "*").path == "*")
    }

    @Test func fieldsOfTheConnectionAreDropped() throws {
        let fields: HTTPFields = HTTPFields([
            field("Connection", "keep-alive, X-Mine"), field("Connection", "x-other"), field("X-Mine", "1"),
            field("X-Other", "2"), field("Keep-Alive", "timeout=5"), field("Proxy-Connection", "close"),
            field("Transfer-Encoding", "chunked"), field("Upgrade", "h2c"), field("TE", "gzip"), field("X-Kept", "3"),
        ])
        let head = try forwarded(fields)
        let names = Set(head.headerFields.map(\.name.canonicalName))
        #expect(names == ["x-kept", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "via", "x-request-id"])
    }

    @Test func aClientCannotTakeCredentialsOrLengthsAway() throws {
        let head = try forwarded(
            HTTPFields([
                field("Connection", "Authorization, Content-Length, Cookie, Host"), field("Authorization", "Bearer x"),
                field("Content-Length", "3"), field("Cookie", "a=b"),
            ])
        )
        #expect(head.headerFields[.authorization] == "Bearer x")
        #expect(head.headerFields[.contentLength] == "3")
        #expect(head.headerFields[.cookie] == "a=b")
    }

    @Test func theForwardingHopIsAppended() throws {
        let head = try forwarded(
            HTTPFields([
                field("X-Forwarded-For", "198.51.100.7"), field("X-Forwarded-Host", "public.example.com"),
                field("X-Forwarded-Proto", "https"), field("Via", "1.1 gateway"),
            ])
        )
        #expect(head.headerFields[.xForwardedFor] == "198.51.100.7, 192.0.2.1")
        #expect(head.headerFields[.xForwardedHost] == "public.example.com, front.example.com")
        #expect(head.headerFields[.xForwardedProto] == "https, http")
        #expect(head.headerFields[.via] == "1.1 gateway, 1.1 preview-gateway")
    }

    @Test func trailersAreAskedForWhereTheClientTakesThem() throws {
        let head = try forwarded(HTTPFields([field("TE", "trailers, deflate;q=0.5"), field("Connection", "TE")]))
        #expect(head.headerFields[.te] == "trailers")
        #expect(head.headerFields[.connection] == "TE")
    }

    @Test func repeatedFieldsStayApartAndInOrder() throws {
        let head = try forwarded(
            HTTPFields([field("X-A", "1"), field("x-b", ""), field("X-A", "2"), field("Cookie", "a=b")])
        )
        #expect(head.headerFields.prefix(4).map(\.value) == ["1", "", "2", "a=b"])
        #expect(head.headerFields.prefix(4).map(\.name.rawName) == ["X-A", "x-b", "X-A", "Cookie"])
    }

    @Test func anAnswerKeepsEverythingButWhatIsItsConnections() {
        let response = HTTPResponse(
            status: .init(code: 299, reasonPhrase: "Odd"),
            headerFields: HTTPFields([
                field("Connection", "close, x-hop"), field("X-Hop", "1"), field("Transfer-Encoding", "chunked"),
                field("Set-Cookie", "a=1"), field("Set-Cookie", "b=2"), field("Date", "whenever"),
            ])
        )
        let head = ForwardedResponse.head(response, id: "an-id")
        #expect(head.status.code == 299)
        #expect(head.status.reasonPhrase == "Odd")
        #expect(
            head.headerFields.map { "\($0.name.rawName): \($0.value)" } == [
                "Set-Cookie: a=1", "Set-Cookie: b=2", "Date: whenever", "Via: 1.1 preview-gateway",
                "X-Request-ID: an-id",
            ]
        )
    }

    /// A length in addition to chunks is not the body's: a client that used it would read the rest as another response.
    @Test func aLengthBesideChunksIsNotForwarded() {
        let fields = HTTPFields([field("Transfer-Encoding", "chunked"), field("Content-Length", "1")])
        let head = ForwardedResponse.head(HTTPResponse(status: .ok, headerFields: fields), id: "an-id")
        #expect(!head.headerFields.contains(.contentLength))
    }

    @Test func trailersThatWouldChangeTheMessageAreDropped() {
        let fields = HTTPFields([field("Content-Length", "1"), field("X-Sum", "2"), field("Transfer-Encoding", "x")])
        #expect(ForwardedResponse.trailers(fields)?.map(\.value) == ["2"])
        #expect(ForwardedResponse.trailers([:]) == nil)
    }

    @Test(arguments: [("given", "given", false), ("", "", true), ("has space", "", false), ("ü", "", false)])
    func aRequestKeepsItsID(given: String, expected: String, isNew: Bool) {
        var fields: HTTPFields = [:]
        if !isNew { fields[.xRequestID] = given }
        let id = RequestID(of: fields) { 0xAB }
        #expect(id.isNew == isNew)
        #expect(id.description == (expected.isEmpty ? "00000000000000ab00000000000000ab" : expected))
    }
}
