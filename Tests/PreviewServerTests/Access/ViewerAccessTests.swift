import Basics
import HTTPTransport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewDomain
import PreviewIdentity
import TestPeers
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

/// The API with a core API that shows a run to other users too, and names its owner.
@Suite("Users who may only view a run", .timeLimit(.minutes(10)))
struct ViewerAccessTests {
    private static let run = "/api/runs/\(APIHarness.run)"
    /// Every user may see every run; the owner is `ada`, the login of the access table's owner.
    private static let answer = #"{"run_id": "r", "status": "in_progress", "submitting_user": "ada"}"#

    private let signer = TokenSigner()

    private func serve(
        answer: String = answer,
        approvals: ApprovalPolicy = ApprovalPolicy(),
        _ work: @escaping @Sendable (APIHarness, any TestClientProtocol) async throws -> Void
    ) async throws {
        let harness = try await APIHarness(approvals: approvals)
        let transport = ScriptedTransport(clock: harness.clock) { _, _ in .json(answer) }
        let authenticator = Authenticator([CheckedByOthers(known: try await AccessIdentity.authenticator())])
        let api = try harness.apiWithCoreAPI(authenticator, transport: transport)
        try await Application(responder: api.router().buildResponder()).test(.router) { try await work(harness, $0) }
    }

    /// The statuses of the routes that change something, and of those that do not.
    private func statuses(
        _ client: any TestClientProtocol,
        _ bearer: String,
        _ harness: APIHarness
    ) async throws -> (acting: [Int], looking: [Int]) {
        let run = try RunID(APIHarness.run)
        let token = try await harness.core.previews.start(run: run, port: 3000, requester: "ada").session.token.text
        let request = try await harness.gate.pendingRequest(for: run, port: 3001)
        let id = request.id.text
        let acts: [(HTTPRequest.Method, String, String)] = [
            (.post, "tool-approvals", #"{"request_id": "\#(id)"}"#),
            (.post, "tool-denials", #"{"request_id": "unknown"}"#),
            (.post, "auto-approve", #"{"enabled": false}"#),
            (.post, "sandbox/port-forward", #"{"target_port": 3002}"#),
            (.post, "sandbox/preview/\(token)/keepalive", ""),
            (.delete, "sandbox/port-forward/\(token)", ""),
        ]
        var acting: [Int] = []
        for (method, path, body) in acts {
            acting.append(
                try await client.call(method, "\(Self.run)/\(path)", body: body, headers: .json(bearer: bearer)).status
            )
        }
        var looking: [Int] = []
        for path in ["sandbox/port-forward", "preview-requests", "preview-requests/\(id)"] {
            looking.append(try await client.call(.get, "\(Self.run)/\(path)", headers: .json(bearer: bearer)).status)
        }
        return (acting, looking)
    }

    private static let allowed = [200, 409, 200, 200, 200, 200]
    private static let refused = [403, 403, 403, 403, 403, 403]

    @Test func theOwnerActsAndOtherViewersOnlyRead() async throws {
        for (identity, acting) in [(AccessIdentity.owner, Self.allowed), (.stranger, Self.refused)] {
            try await serve { harness, client in
                let statuses = try await statuses(client, identity.bearer, harness)
                #expect(statuses.acting == acting, "\(identity)")
                #expect(statuses.looking == [200, 200, 200], "\(identity)")
            }
        }
    }

    @Test func aRefusalSaysWhoMay() async throws {
        try await serve { _, client in
            let body = #"{"enabled": true}"#
            let headers = HTTPFields.json(bearer: AccessIdentity.stranger.bearer)
            let answer = try await client.call(.post, "\(Self.run)/auto-approve", body: body, headers: headers)
            let error = (answer.json as? [String: Any])?["error"] as? String
            #expect(error?.contains("owner") == true)
        }
    }

    /// The platform's present responses name no owner, and show a run only to its owner.
    @Test(arguments: ["{}", #"{"status": "in_progress"}"#, #"{"submitting_user": null}"#, #"{"submitting_user": ""}"#])
    func withoutANamedOwnerAViewerOfTheRunIsItsOwner(answer: String) async throws {
        for bearer in [AccessIdentity.stranger.bearer, "a-token-of-github"] {
            try await serve(answer: answer) { harness, client in
                let acting = try await statuses(client, bearer, harness).acting
                #expect(acting == Self.allowed)
            }
        }
    }

    /// Tokens that only the core API can verify: it has accepted them, so their claims about the user are true.
    @Test func aBearerThatTheCoreAPIKnowsIsTheUserOfItsToken() async throws {
        let table = [
            (signer.token(subject: "ada"), Self.allowed),
            (signer.token(subject: "7", login: "ada"), Self.allowed),
            (signer.token(subject: "grace"), Self.refused), ("a-token-of-github", Self.refused),
        ]
        for (bearer, acting) in table {
            try await serve { harness, client in
                let statuses = try await statuses(client, bearer, harness)
                #expect(statuses.acting == acting)
                #expect(statuses.looking == [200, 200, 200])
            }
        }
    }

    @Test func operatorsActOnEveryRun() async throws {
        try await serve { harness, client in
            let acting = try await statuses(client, AccessIdentity.operator.bearer, harness).acting
            #expect(acting == Self.allowed)
        }
    }

    @Test func theSessionIsForWhoAskedAndForTheOwner() async throws {
        try await serve { harness, client in
            let run = try RunID(APIHarness.run)
            let request = HTTPFields.json(bearer: APIHarness.key, prefer: "respond-async")
            let path = "\(Self.run)/sandbox/preview"
            let body = #"{"target_port": 3000}"#
            let pending = try await client.call(.post, path, body: body, headers: request)
            let id = try #require((pending.json as? [String: Any])?["request_id"] as? String)
            try await harness.gate.approve(run: run, requestID: id, scope: .once, by: "ada")
            let started = try await client.call(.post, path, body: body, headers: request)
            let url = try #require((started.json as? [String: Any])?["preview_url"] as? String)

            for (identity, isShown) in [
                (AccessIdentity.agent, true), (.owner, true), (.operator, true), (.stranger, false),
            ] {
                let answer = try await client.call(
                    .get,
                    "\(Self.run)/preview-requests/\(id)",
                    headers: .json(bearer: identity.bearer)
                )
                #expect(answer.status == 200)
                let approval = try #require(answer.json as? [String: Any])
                #expect(approval["state"] as? String == "consumed")
                let session = approval["session"] as? [String: Any]
                #expect(session?["preview_url"] as? String == (isShown ? url : nil), "\(identity)")
            }
            let list = try await client.call(
                .get,
                "\(Self.run)/preview-requests",
                headers: .json(bearer: AccessIdentity.owner.bearer)
            )
            #expect((list.json as? [[String: Any]])?.contains { $0["session"] != nil } == false)
        }
    }

    @Test func ownersMayApproveEveryRunUnlessTheSettingForbidsIt() async throws {
        let table: [(AccessIdentity, ownersMay: Bool, Int)] = [
            (.owner, false, 403), (.operator, false, 200), (.owner, true, 200), (.stranger, true, 403),
        ]
        #expect(ApprovalPolicy().ownersMayApproveAlways, "the front end offers the scope to owners")
        for (identity, ownersMay, status) in table {
            let approvals = ApprovalPolicy(ownersMayApproveAlways: ownersMay)
            try await serve(approvals: approvals) { harness, client in
                let run = try RunID(APIHarness.run)
                let request = try await harness.gate.pendingRequest(for: run)
                let answer = try await client.call(
                    .post,
                    "\(Self.run)/tool-approvals",
                    body: #"{"request_id": "\#(request.id.text)", "scope": "always"}"#,
                    headers: .json(bearer: identity.bearer)
                )
                #expect(answer.status == status)
                #expect(harness.cluster.standingGrants.grants.count == (status == 200 ? 1 : 0))
                #expect(harness.cluster.approvals(of: run).map(\.state) == [status == 200 ? .granted : .pending])
            }
        }
    }
}

/// Recognizes the callers of the access table, and leaves all others to the core API.
private struct CheckedByOthers: CredentialVerifier {
    let known: Authenticator

    func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult {
        do {
            return .accepted(try await known.caller(presenting: bearer))
        } catch {
            return try await UnverifiedBearers().verify(bearer)
        }
    }
}
