import Basics
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PreviewControl
import PreviewDomain
import PreviewIdentity
import Synchronization
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

@Suite("The gate's routes", .timeLimit(.minutes(10)))
struct GateRoutesTests {
    private let runs = "/api/runs/\(APIHarness.run)"
    private let body = #"{"target_port": 3000}"#

    /// Serves the routes to a known caller, whatever the credentials.
    private func serve(
        _ role: Caller.Role = .user,
        core port: Int? = nil,
        _ work: @escaping @Sendable (APIHarness, any TestClientProtocol) async throws -> Void
    ) async throws {
        let harness = try await APIHarness()
        let caller = Caller(identity: "ada", role: role, bearer: Secret("a-users-token"))
        let responder = try harness.gateResponder(for: caller, core: port)
        try await Application(responder: responder).test(.router) { try await work(harness, $0) }
    }

    /// Serves the routes with a core API that gives this response to all requests.
    ///
    /// - Returns: The requests that it got, each as its first line and its body.
    @discardableResult
    private func serve(
        _ role: Caller.Role = .user,
        core answer: RawPeer.Response,
        _ work: @escaping @Sendable (APIHarness, any TestClientProtocol) async throws -> Void
    ) async throws -> [CoreRequest] {
        try await RawPeer.run({ _, _ in answer }) { core in
            try await serve(role, core: core.port, work)
            return zip(core.heads, core.bodies).map(CoreRequest.init)
        }
    }

    /// A request that the core API got.
    private struct CoreRequest: Sendable {
        let head: String
        let body: String

        /// Method and target.
        var line: String { head.split(separator: " ").prefix(2).joined(separator: " ") }
    }

    private func headers(prefer: String? = nil) -> HTTPFields {
        .json(bearer: "a-users-token", prefer: prefer)
    }

    private func raise(_ client: any TestClientProtocol) async throws -> [String: Any] {
        let answer = try await client.call(
            .post,
            "\(runs)/sandbox/preview",
            body: body,
            headers: headers(prefer: "respond-async")
        )
        #expect(answer.status == 202)
        return try #require(answer.json as? [String: Any])
    }

    @Test(arguments: ["respond-async", "wait=10, respond-async", "Respond-Async; foo=1"])
    func aCallerThatDoesNotWaitGetsTheLocationOfTheRequest(preference: String) async throws {
        try await serve { harness, client in
            let answer = try await client.call(
                .post,
                "\(runs)/sandbox/preview",
                body: body,
                headers: headers(prefer: preference)
            )
            #expect(answer.status == 202)
            #expect(answer.headers[.retryAfter] == "5")
            #expect(answer.headers[.preferenceApplied] == "respond-async")
            let pending = try #require(answer.json as? [String: Any])
            let id = try #require(pending["request_id"] as? String)
            #expect(pending["display_id"] as? String == String(id.prefix(8)))
            #expect(pending["status_url"] as? String == "\(runs)/preview-requests/\(id)")
            #expect(answer.headers[.location] == "\(runs)/preview-requests/\(id)")
            #expect(pending["state"] as? String == "pending")
            #expect(pending["run_id"] as? String == APIHarness.run)
            #expect(pending["tool_name"] as? String == "start_preview")
            #expect(pending["resource"] as? String == "sandbox-preview:3000")
            #expect(pending["target_port"] as? Int == 3000)
            #expect(pending["pod_name"] as? String == "pod-1")
            #expect(pending["requested_by"] as? String == "ada")
            for key in ["requested_at", "deadline"] {
                #expect((pending[key] as? String).flatMap(RFC3339.date) != nil)
            }
            #expect(harness.cluster.liveBackends.isEmpty)
        }
    }

    @Test func anApprovedRequestIsUsedByAskingAgain() async throws {
        try await serve { harness, client in
            let id = try #require(try await raise(client)["request_id"] as? String)
            let decision = try await client.call(
                .post,
                "\(runs)/tool-approvals",
                body: #"{"request_id": "\#(id)"}"#,
                headers: headers()
            )
            #expect(decision.status == 200)
            let answer = try #require(decision.json as? [String: Any])
            #expect(answer["run_id"] as? String == APIHarness.run)
            #expect(answer["request_id"] as? String == id)
            #expect(answer["approved"] as? Bool == true)

            let state = try await client.call(.get, "\(runs)/preview-requests/\(id)", headers: headers())
            #expect((state.json as? [String: Any])?["state"] as? String == "granted")
            #expect((state.json as? [String: Any])?["decided_by"] as? String == "ada")

            let started = try await client.call(.post, "\(runs)/sandbox/preview", body: body, headers: headers())
            #expect(started.status == 200)
            #expect((started.json as? [String: Any])?["preview_url"] != nil)
            #expect(harness.cluster.liveRoutes.count == 1)
        }
    }

    @Test func aDenialIsAnsweredAsTheContractSays() async throws {
        try await serve { _, client in
            let id = try #require(try await raise(client)["request_id"] as? String)
            let denial = try await client.call(
                .post,
                "\(runs)/tool-denials",
                body: #"{"request_id": "\#(id)"}"#,
                headers: headers()
            )
            #expect(denial.status == 200)
            #expect((denial.json as? [String: Any])?["denied"] as? Bool == true)
            let list = try await client.call(.get, "\(runs)/preview-requests", headers: headers())
            let states = (list.json as? [[String: Any]])?.map { $0["state"] as? String }
            #expect(states == ["denied"])
            let again = try await client.call(
                .post,
                "\(runs)/tool-approvals",
                body: #"{"request_id": "\#(id)"}"#,
                headers: headers()
            )
            #expect(again.status == 409)
        }
    }

    @Test func automaticApprovalIsSwitchedAndStartsWithoutAsking() async throws {
        try await serve { harness, client in
            let path = "\(runs)/auto-approve"
            let switched = try await client.call(.post, path, body: #"{"enabled": true}"#, headers: headers())
            #expect(switched.status == 200)
            #expect((switched.json as? [String: Any])?["auto_approve_tools"] as? Bool == true)
            let started = try await client.call(.post, "\(runs)/sandbox/preview", body: body, headers: headers())
            #expect(started.status == 200)
            let malformed = try await client.call(.post, path, body: #"{"enabled": "yes"}"#, headers: headers())
            #expect(malformed.status == 400)
        }
    }

    @Test(arguments: ["tool-approvals", "tool-denials", "auto-approve"])
    func theServiceIdentityDecidesNothing(route: String) async throws {
        try await serve(.service) { harness, client in
            let id = try #require(try await raise(client)["request_id"] as? String)
            let answer = try await client.call(
                .post,
                "\(runs)/\(route)",
                body: #"{"request_id": "\#(id)", "enabled": true}"#,
                headers: headers()
            )
            #expect(answer.status == 403)
            #expect(harness.cluster.approvals(of: try RunID(APIHarness.run)).map(\.state) == [.pending])
        }
    }

    @Test(arguments: [
        ("{}", 400), (#"{"request_id": ""}"#, 400), (#"{"request_id": 7}"#, 400), ("nonsense", 400),
        (#"{"request_id": "unknown"}"#, 409), (#"{"request_id": "unknown", "scope": "forever"}"#, 400),
    ])
    func aDecisionThatCannotBeUsedIsRefused(body: String, status: Int) async throws {
        try await serve { _, client in
            let answer = try await client.call(.post, "\(runs)/tool-approvals", body: body, headers: headers())
            #expect(answer.status == status)
            #expect((answer.json as? [String: Any])?["error"] is String)
        }
    }

    @Test(arguments: ["tool-approvals", "tool-denials"], ["of-another-tool", "aaaaaaaaaaaaaaaaaaaaaaaaaa"])
    func aDecisionAboutAnotherToolGoesToTheCoreAPIAsItCame(route: String, id: String) async throws {
        let body = #"{"request_id": "\#(id)",  "scope": "always"}"#
        let refusal = RawPeer.Response.json(404, #"{"error": "no such request"}"#, ["X-Core": "1"])
        let requests = try await serve(core: refusal) { _, client in
            let answer = try await client.call(.post, "\(runs)/\(route)", body: body, headers: headers())
            #expect(answer.status == 404)
            #expect((answer.json as? [String: Any])?["error"] as? String == "no such request")
            #expect(answer.headers.contains { $0.name.rawName == "X-Core" && $0.value == "1" })
        }
        let request = try #require(requests.first)
        #expect(request.line == "POST \(runs)/\(route)")
        #expect(request.body == body)
        #expect(request.head.contains("\r\nAuthorization: Bearer a-users-token\r\n"))
        #expect(requests.count == 1)
    }

    @Test func withoutTheRouterADecisionAboutAnotherToolIsAConflict() async throws {
        try await serve { _, client in
            let body = #"{"request_id": "of-another-tool"}"#
            let answer = try await client.call(.post, "\(runs)/tool-approvals", body: body, headers: headers())
            #expect(answer.status == 409)
        }
    }

    @Test func aDecisionAboutARequestOfOursIsNeverPassedOn() async throws {
        let requests = try await serve(core: .json(200, "{}")) { _, client in
            let id = try #require(try await raise(client)["request_id"] as? String)
            for _ in 0..<2 {
                let answer = try await client.call(
                    .post,
                    "\(runs)/tool-denials",
                    body: #"{"request_id": "\#(id)"}"#,
                    headers: headers()
                )
                #expect(answer.status == 200)
            }
        }
        #expect(requests.isEmpty)
    }

    @Test(arguments: [(200, true), (403, false), (409, false), (500, false)])
    func theOptionIsSetWhereTheCoreAPITakesItToo(status: Int, isSet: Bool) async throws {
        let requests = try await serve(core: .json(status, #"{"its": "own"}"#)) { harness, client in
            let body = #"{"enabled": true}"#
            let answer = try await client.call(.post, "\(runs)/auto-approve", body: body, headers: headers())
            #expect(answer.status == status)
            #expect((answer.json as? [String: Any])?["its"] as? String == "own")
            let next = try await client.call(
                .post,
                "\(runs)/sandbox/preview",
                body: self.body,
                headers: headers(prefer: "respond-async")
            )
            #expect(next.status == (isSet ? 200 : 202))
        }
        #expect(requests.map(\.line) == ["POST \(runs)/auto-approve"])
    }

    @Test(arguments: [RawPeer.Response("", then: .close), .json(503, "{}"), .json(409, "{}")])
    func theOptionIsRemovedWhateverTheCoreAPIAnswers(answer: RawPeer.Response) async throws {
        let requests = try await serve(core: answer) { harness, client in
            try await harness.gate.setAutoApprove(run: RunID(APIHarness.run), to: true, by: "ada")
            let body = #"{"enabled": false}"#
            let answer = try await client.call(.post, "\(runs)/auto-approve", body: body, headers: headers())
            #expect(answer.status >= 400)
            #expect(try await raise(client)["state"] as? String == "pending")
        }
        #expect(!requests.isEmpty)
    }

    @Test(arguments: [200, 409, 503])
    func anOptionThatCouldNotBeRemovedHereIsAnErrorWhateverTheCoreAPIAnswers(status: Int) async throws {
        let requests = try await serve(core: .json(status, "{}")) { harness, client in
            try await harness.gate.setAutoApprove(run: RunID(APIHarness.run), to: true, by: "ada")
            harness.cluster.fail(.setAutoApprove, .before(ClusterError(.unavailable, "the API server answered 500")))
            let body = #"{"enabled": false}"#
            let answer = try await client.call(.post, "\(runs)/auto-approve", body: body, headers: headers())
            #expect(answer.status == 503)
            let error = (answer.json as? [String: Any])?["error"] as? String
            #expect(error?.contains("the API server answered 500") == true)
        }
        #expect(requests.count == 1)
    }

    /// The platform's core API stores the option by the ID as it is in the path, and uses the last of repeated members.
    @Test(arguments: [true, false])
    func theCoreAPIGetsTheOptionAsItWasReadHere(isOn: Bool) async throws {
        let annotation = Mutex<String?>(nil)
        let requests = try await serve(core: .json(200, "{}")) { harness, client in
            let path = "/api/runs/\(APIHarness.run.uppercased())/auto-approve"
            let body = #"{"enabled": \#(isOn), "enabled": \#(!isOn)}"#
            let answer = try await client.call(.post, path, body: body, headers: headers())
            #expect(answer.status == 200)
            let annotations = harness.cluster.claimAnnotations(of: try RunID(APIHarness.run))
            annotation.withLock { $0 = annotations[ApprovalAnnotation.autoApprove] }
        }
        #expect(requests.map(\.line) == ["POST \(runs)/auto-approve"])
        #expect(requests.map(\.body) == [#"{"enabled":\#(annotation.withLock { $0 } == "true")}"#])
    }

    @Test func anOperatorsOptionIsSetHereAlone() async throws {
        let requests = try await serve(.operator, core: .json(200, "{}")) { _, client in
            let body = #"{"enabled": true}"#
            let answer = try await client.call(.post, "\(runs)/auto-approve", body: body, headers: headers())
            #expect(answer.status == 200)
            #expect((answer.json as? [String: Any])?["auto_approve_tools"] as? Bool == true)
            let next = try await client.call(.post, "\(runs)/sandbox/preview", body: self.body, headers: headers())
            #expect(next.status == 200)
        }
        #expect(requests.isEmpty)
    }

    @Test func whileTheCoreAPIIsUnreachableTheOptionIsNotSet() async throws {
        try await serve(core: .init("", then: .reset)) { _, client in
            let body = #"{"enabled": true}"#
            let answer = try await client.call(.post, "\(runs)/auto-approve", body: body, headers: headers())
            #expect(answer.status == 502)
            #expect((answer.json as? [String: Any])?["error"] is String)
            #expect(try await raise(client)["state"] as? String == "pending")
        }
    }

    @Test func afterALongPollThePreviewIsReadWithinATimeOfItsOwn() async throws {
        let harness = try await APIHarness()
        let run = try RunID(APIHarness.run)
        try await harness.test { client in
            var fields = headers(prefer: "respond-async")
            fields[.authorization] = "Bearer \(APIHarness.owner)"
            let raised = try await client.call(.post, "\(runs)/sandbox/preview", body: body, headers: fields)
            let id = try #require((raised.json as? [String: Any])?["request_id"] as? String)
            let poll = Task { try await client.call(.get, "\(runs)/preview-requests/\(id)?wait=60").status }
            await harness.controlClock.waitForSleepers(1)
            let requester = try #require(harness.cluster.approvals(of: run).first?.requester)
            try await harness.gate.approve(run: run, requestID: id, scope: .once, by: "ada")
            _ = try await harness.gate.start(run: run, port: 3000, requester: requester)
            let seen = Mutex<Duration?>(nil)
            harness.cluster.interrupt(.routesOfRun) { seen.withLock { $0 = ResponseDeadline.remaining } }
            harness.clock.advance(by: .seconds(60))
            harness.controlClock.advance(by: .seconds(60))
            #expect(try await poll.value == 200)
            #expect(seen.withLock { $0 } == ResponseDeadline.limit)
        }
    }

    @Test(arguments: ["-1", "61", "1.5", "", "forever"])
    func aWaitThatIsTooLongOrNoNumberIsRefused(wait: String) async throws {
        try await serve { _, client in
            let path = "\(runs)/preview-requests/aaaaaaaaaaaaaaaaaaaaaaaaaa?wait=\(wait)"
            let answer = try await client.call(.get, path, headers: headers())
            #expect(answer.status == 400)
        }
    }

    @Test func aRequestThatIsNotThereIsNotFound() async throws {
        try await serve { _, client in
            let path = "\(runs)/preview-requests/aaaaaaaaaaaaaaaaaaaaaaaaaa"
            let answer = try await client.call(.get, path, headers: headers())
            #expect(answer.status == 404)
        }
    }
}
