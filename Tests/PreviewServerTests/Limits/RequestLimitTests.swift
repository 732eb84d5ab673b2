import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PreviewDomain
import ServiceLifecycle
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

@Suite("Limits of requests", .timeLimit(.minutes(1)))
struct RequestLimitTests {
    private let list = "/api/runs/\(APIHarness.run)/sandbox/port-forward"
    private let requests = "/api/runs/\(APIHarness.run)/preview-requests"
    private let otherRequests = "/api/runs/\(APIHarness.otherRun)/preview-requests"

    @Test func aCallerThatIsTooFastIsA429UntilItHasWaited() async throws {
        var limits = RequestLimits()
        limits.requestsPerSecond = 0.5
        limits.burst = 2
        let harness = try await APIHarness(limits: limits)
        try await harness.test { client in
            for _ in 0..<2 { #expect(try await client.call(.get, list).status == 200) }
            let refused = try await client.call(.get, list)
            #expect(refused.status == 429)
            #expect(refused.headers[.retryAfter] == "2")
            #expect((refused.json as? [String: Any])?["error"] is String)
            // All agents use the platform's one key, but each run has its own share.
            let agent: HTTPFields = [.authorization: "Bearer \(APIHarness.key)"]
            for status in [200, 200, 429] {
                #expect(try await client.call(.get, requests, headers: agent).status == status)
            }
            #expect(try await client.call(.get, otherRequests, headers: agent).status == 200)
            // Health checks use no share, and neither do requests without credentials.
            for _ in 0..<5 {
                #expect(try await client.call(.get, "/healthz", headers: [:]).status == 200)
                #expect(try await client.call(.get, list, headers: [:]).status == 401)
            }
            harness.clock.advance(by: .seconds(2))
            #expect(try await client.call(.get, list).status == 200)
        }
    }

    @Test func overMCPEachRunOfThePlatformsKeyHasItsOwnShareToo() async throws {
        var limits = RequestLimits()
        limits.requestsPerSecond = 0.5
        limits.burst = 2
        let harness = try await APIHarness(limits: limits)
        try await harness.test { client async throws in
            func list(_ run: String, bearer: String = APIHarness.key) async throws -> Int {
                var headers = HTTPFields.mcp()
                headers[.authorization] = "Bearer \(bearer)"
                let call = Sample.call("list_previews", #"{"run_id":"\#(run)"}"#)
                return try await client.send(Sample.legacy("tools/call", call), headers).status
            }
            for status in [200, 200, 429] { #expect(try await list(APIHarness.run) == status) }
            // All spellings of a run are the same run, over REST too.
            #expect(try await list(APIHarness.run.uppercased()) == 429)
            let agent: HTTPFields = [.authorization: "Bearer \(APIHarness.key)"]
            for path in [requests, requests.replacing(APIHarness.run, with: APIHarness.run.uppercased())] {
                #expect(try await client.call(.get, path, headers: agent).status == 429)
            }
            for status in [200, 200, 429] { #expect(try await list(APIHarness.otherRun) == status) }
            // Calls without a valid run have one common share.
            for status in [200, 200, 429] { #expect(try await list("no run") == status) }
            // A user has one share for all runs.
            #expect(try await list(APIHarness.run, bearer: APIHarness.owner) == 200)
            #expect(try await list(APIHarness.otherRun, bearer: APIHarness.owner) == 200)
            #expect(try await list(APIHarness.otherRun, bearer: APIHarness.owner) == 429)
        }
    }

    @Test func everyMessageOfABatchCounts() async throws {
        var limits = RequestLimits()
        limits.burst = 3
        let harness = try await APIHarness(limits: limits)
        try await harness.test { client async throws in
            let batch = "[\(Sample.legacy("ping")),\(Sample.legacy("ping", id: "2"))]"
            #expect(try await client.send(batch, .mcp("2025-03-26")).status == 200)
            #expect(try await client.send(batch, .mcp("2025-03-26")).status == 429)
        }
    }

    @Test func readingARequestTakesNoWaitingPlace() async throws {
        var limits = RequestLimits()
        limits.maxWaitingPerRun = 0
        let harness = try await APIHarness(limits: limits)
        try await harness.test { client async throws in
            let start = "/api/runs/\(APIHarness.run)/sandbox/preview"
            var headers: HTTPFields = [.authorization: "Bearer \(APIHarness.owner)", .contentType: "application/json"]
            headers[HTTPField.Name("Prefer")!] = "respond-async"
            let raised = try await client.call(.post, start, body: #"{"target_port": 3000}"#, headers: headers)
            let id = try #require((raised.json as? [String: Any])?["request_id"] as? String)
            for (query, status) in [("", 200), ("?wait=0", 200), ("?wait=1", 429)] {
                #expect(try await client.call(.get, "\(requests)/\(id)\(query)").status == status)
            }
        }
    }

    @Test func requestsBeyondTheCapacityAreRefusedAndHealthChecksAreNot() async throws {
        var limits = RequestLimits()
        limits.maxInProgress = 0
        let harness = try await APIHarness(limits: limits)
        try await harness.test { client in
            let shed = try await client.call(.get, list)
            #expect(shed.status == 503)
            #expect(shed.headers[.retryAfter] == "1")
            #expect(try await client.call(.get, "/healthz", headers: [:]).status == 200)
        }
    }

    @Test func aPlaceIsGivenBackAfterEveryRequest() async throws {
        var limits = RequestLimits()
        limits.maxInProgress = 1
        let harness = try await APIHarness(limits: limits)
        try await harness.test { client in
            for _ in 0..<3 {
                let listed = try await client.call(.get, list)
                #expect(listed.status == 200)
                let refused = try await client.call(.post, list, body: "nonsense")
                #expect(refused.status == 400)
            }
        }
    }

    // MARK: Time

    private func respond(
        within limit: Duration,
        _ handler: @Sendable @escaping (PreviewRequestContext) async throws -> Response
    ) async throws -> (status: Int, body: String) {
        let router = Router(context: PreviewRequestContext.self)
        router.add(middleware: ErrorMiddleware())
        router.get("/") { _, context in try await handler(context) }
        let responder = TimeLimitedResponder(base: router.buildResponder(), limit: limit)
        return try await Application(responder: responder, logger: .silent).test(.live) { client in
            try await client.execute(uri: "/", method: .get) { ($0.status.code, String(buffer: $0.body)) }
        }
    }

    @Test func aRequestThatTakesTooLongIsCancelledAndA503() async throws {
        let answer = try await respond(within: .milliseconds(20)) { _ in
            try await MonotonicTime(ContinuousClock()).sleep(.seconds(3_600))
            return Response(status: .ok)
        }
        #expect(answer.status == 503)
        #expect(answer.body.contains("timed out"))
    }

    @Test func requestsOfAHandlerAreLimitedFromItsArrivalOn() async throws {
        let answer = try await respond(within: .seconds(60)) { _ in
            let remaining = try #require(ResponseDeadline.remaining)
            #expect(remaining > .zero && remaining <= ResponseDeadline.limit)
            return Response(status: .ok)
        }
        #expect(answer.status == 200)
    }

    @Test func aRequestThatWaitsForADecisionHasItsOwnTimeLimit() async throws {
        let clock = ManualClock()
        let answer = try await respond(within: .milliseconds(20)) { context in
            let calls = WaitingCalls(limits: RequestLimits())
            return try await calls.wait(for: try RunID("run"), atMost: .seconds(3_600), context: context) {
                // Longer than the time limit of a request that does not wait.
                let passed = context.channel.eventLoop.scheduleTask(in: .milliseconds(60)) {
                    clock.advance(by: .seconds(1))
                }
                try await clock.sleep(until: clock.now.advanced(by: .seconds(1)), tolerance: nil)
                try await passed.futureResult.get()
                return Response(status: .ok)
            }
        }
        #expect(answer.status == 200)
    }
}
