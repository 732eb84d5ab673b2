import HTTPTypes
import Router
import Testing

@Suite("Selection of this service's requests", .timeLimit(.minutes(10)))
struct RouteTableTests {
    private static let run = "/api/runs/3f2a9c1e-0000-4000-8000-000000000001"

    @Test(arguments: [
        (HTTPRequest.Method.post, "/sandbox/preview"), (.post, "/sandbox/port-forward"),
        (.get, "/sandbox/port-forward"),
        (.head, "/sandbox/port-forward"), (.delete, "/sandbox/port-forward/swift-falcon"),
        (.get, "/sandbox/port-forward/swift-falcon?wait=10"), (.head, "/sandbox/port-forward/swift-falcon"),
        (.post, "/sandbox/preview/swift-falcon/keepalive"), (.get, "/preview-requests"),
        (.get, "/preview-requests/abc"),
        (.get, "/preview-events"), (.post, "/tool-approvals"), (.post, "/tool-denials"), (.post, "/auto-approve"),
        (.options, "/sandbox/preview"), (.post, "/auto-approve?x=/../y"),
    ])
    func aRouteOfARunIsOurs(method: HTTPRequest.Method, rest: String) {
        #expect(RouteTable.owner(of: method, Self.run + rest) == .service)
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics", "/openapi.json", "/mcp", "/metrics?x=1"])
    func aRouteOfTheServiceIsOursWhateverTheMethod(path: String) {
        #expect(RouteTable.owner(of: .get, path) == .service)
        #expect(RouteTable.owner(of: .post, path) == .service)
    }

    @Test(arguments: [
        "", "/", "*", "/api", "/api/runs", "/api/runs/", run, run + "/", run + "/events", "/api/metrics", "/metrics/",
        "//metrics", "/Metrics", "/healthz/x", "/mcp/", "/mcp;v=1", "/api/healthz", "/./healthz", "/%68ealthz",
    ])
    func anythingElseIsTheCoreAPIs(path: String) {
        #expect(RouteTable.owner(of: .get, path) == .core)
    }

    @Test(arguments: [
        "/" + run, "/api//runs/r/sandbox/preview", "/api/./runs/r/sandbox/preview", "/api/x/../runs/r/sandbox/preview",
        "/API/runs/r/sandbox/preview", "/api/Runs/r/sandbox/preview", "/api/runs/r/Sandbox/preview",
        "/api/runs/r/sandbox/preview/", "/api/runs/r/sandbox/preview;x=1", "/api/runs/r/sandbox%2Fpreview",
        "/api/runs/%72/sandbox/preview", "/api/runs/%2e%2e/sandbox/preview", "/api/runs/../sandbox/preview",
        "/api/runs/.r/sandbox/preview", "/api/runs/-r/sandbox/preview", "/api/runs//sandbox/preview",
        "/api/runs/r;x/sandbox/preview", "/api/runs/r/sandbox/preview/%2e/keepalive",
        "/api/runs/r/sandbox/preview/../keepalive", "/api/runs/r/sandbox/preview//keepalive",
        "/api/runs/r/sandbox/preview#x", "/api/runs/r/tool-approvals/", "/api/runs/r/tool-approvals/x",
        "http://h/api/runs/r/sandbox/preview", "/api/runs/\(String(repeating: "r", count: 129))/sandbox/preview",
    ])
    func aPathSimilarToOurRoutesIsTheCoreAPIs(path: String) {
        #expect(RouteTable.owner(of: .post, path) == .core)
    }

    @Test(arguments: [
        (HTTPRequest.Method.get, "/sandbox/preview"), (.put, "/sandbox/port-forward"), (.get, "/tool-approvals"),
        (.delete, "/sandbox/port-forward"), (.patch, "/auto-approve"), (.post, "/preview-events"),
    ])
    func aMethodThatARouteDoesNotHaveIsTheCoreAPIs(method: HTTPRequest.Method, rest: String) {
        #expect(RouteTable.owner(of: method, Self.run + rest) == .core)
    }

    @Test func theEventStreamIsTheCoreAPIsWithOurEventsInIt() {
        #expect(RouteTable.owner(of: .get, "/api/runs/r-1/stream?x=1") == .timeline(run: "r-1"))
        #expect(RouteTable.owner(of: .post, "/api/runs/r-1/stream") == .core)
        #expect(RouteTable.owner(of: .get, "/api/runs/r-1/stream/") == .core)
    }
}
