import HTTPTransport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import TestSupport
import Testing

@testable import PreviewServer

@Suite("The trace and ID of a request's work", .timeLimit(.minutes(1)))
struct RequestTraceMiddlewareTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test func traceAndIDAreAvailableToTheHandlerOfARequest() async throws {
        let seen = Mutex<RequestTrace?>(nil)
        let router = Router(context: PreviewRequestContext.self)
        router.addMiddleware { RequestTraceMiddleware() }
        router.get("work") { _, _ in
            seen.withLock { $0 = RequestTrace.current }
            return "done"
        }
        try await Application(router: router).test(.router) { client in
            var fields: HTTPFields = [.traceParent: Self.parent, .xRequestID: "mine"]
            let answer = try await client.execute(uri: "/work", method: .get, headers: fields)
            #expect(answer.headers[.xRequestID] == "mine")
            #expect(seen.withLock(\.self)?.parent == Self.parent && seen.withLock(\.self)?.requestID == "mine")
            fields = [.xRequestID: "not one: \u{e4}"]
            let other = try await client.execute(uri: "/work", method: .get, headers: fields)
            let id = try #require(other.headers[.xRequestID])
            #expect(id.utf8.count == 32 && seen.withLock(\.self)?.requestID == id)
            #expect(seen.withLock(\.self)?.parent != Self.parent)
        }
        #expect(RequestTrace.current == nil)
    }

    @Test func anErrorResponseHasTheIDOfItsRequest() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(
                .get,
                "/api/runs/\(APIHarness.run)/sandbox/port-forward",
                headers: [.xRequestID: "mine"]
            )
            #expect(answer.status == 401 && answer.headers[.xRequestID] == "mine")
        }
    }
}
