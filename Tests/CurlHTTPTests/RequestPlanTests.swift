import HTTPTransport
import HTTPTypes
import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(10))) struct RequestPlanTests {
    private func plan(
        _ method: HTTPRequest.Method = .get,
        scheme: String? = "https",
        authority: String? = "example.test:6443",
        path: String? = "/",
        fields: HTTPFields = [:],
        body: [UInt8] = [],
        serverName: String? = nil
    ) throws(TransportError) -> RequestPlan {
        let head = HTTPRequest(method: method, scheme: scheme, authority: authority, path: path, headerFields: fields)
        return try RequestPlan(TransportRequest(head: head, body: body, timeout: .seconds(1)), serverName: serverName)
    }

    @Test(arguments: [
        "", "a b", "user@host", "user:secret@host", "host:0", "host:65536", "host:x", "host/path", "host?x", "host#x",
        ":80", "[::1", "[::1]x", "host\r\nEvil: 1", "ho\u{0}st", "höst",
    ])
    func aMalformedAuthorityIsRefused(authority: String) {
        let error = #expect(throws: TransportError.self) { try plan(authority: authority) }
        #expect(error?.kind == .invalidRequest)
    }

    @Test(arguments: [nil, "", "no-slash", "/a b", "/a\r\nEvil: 1", "/a#fragment", "/ä", "/\u{0}a"])
    func aMalformedPathIsRefused(path: String?) {
        let error = #expect(throws: TransportError.self) { try plan(path: path) }
        #expect(error?.kind == .invalidRequest)
    }

    @Test(arguments: [nil, "", "file", "ftp", "httpss"])
    func otherSchemesAreRefused(scheme: String?) {
        let error = #expect(throws: TransportError.self) { try plan(scheme: scheme) }
        #expect(error?.kind == .invalidRequest)
    }

    @Test func contradictionsAreRefused() {
        #expect(throws: TransportError.self) { try plan(.head, body: [1]) }
        #expect(throws: TransportError.self) { try plan(.connect) }
        #expect(throws: TransportError.self) { try plan(.post, fields: [.contentLength: "2"], body: [1]) }
        #expect(throws: TransportError.self) { try plan(.post, fields: [.transferEncoding: "chunked"], body: [1]) }
    }

    @Test func libcurlAddsNoFields() throws {
        #expect(try plan(.get).headerLines == ["Accept:"])
        #expect(try plan(.post, body: [1]).headerLines == ["Accept:", "Content-Type:", "Expect:"])
        let fields: HTTPFields = [.accept: "a/b", .contentType: "c/d", .expect: "", .contentLength: "1"]
        #expect(
            try plan(.patch, fields: fields, body: [1]).headerLines == ["Accept: a/b", "Content-Type: c/d", "Expect;"]
        )
    }

    @Test func theServerNameReplacesTheHostInTheURLOnly() throws {
        let plan = try plan(authority: "127.0.0.1:6443", path: "/api?x=1", serverName: "kubernetes")
        #expect(plan.url == "https://kubernetes:6443/api?x=1")
        #expect(plan.connectTo == "::127.0.0.1:6443")
        #expect(plan.headerLines.contains("Host: 127.0.0.1:6443"))
        #expect(try self.plan(authority: "[::1]", serverName: "kubernetes").connectTo == "::[::1]:443")
        #expect(try self.plan(scheme: "http", serverName: "kubernetes").url == "http://example.test:6443/")
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, true), (.head, true), (.put, true), (.delete, true), (.post, false), (.patch, false),
    ])
    func onlyIdempotentRequestsAreReplayable(method: HTTPRequest.Method, isReplayable: Bool) throws {
        #expect(try plan(method).isReplayable == isReplayable)
    }
}
