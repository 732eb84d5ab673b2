import HTTPTypes
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewServer

/// One route of the access table: who may call it, and the status that permitted callers get.
struct AccessRoute: Sendable, CustomTestStringConvertible {
    /// Who may call a route.
    enum Rule: Sendable {
        /// Every caller, also without credentials.
        case anybody
        /// Every caller with valid credentials.
        case anyCaller
        /// The run's owner, and operators.
        case owner
        /// The owner, operators, and the service identity, which acts for the run's agent.
        case ownerOrAgent
    }

    /// The runs that a caller can name.
    enum Run: String, CaseIterable {
        case own = "3f2a9c1e-0000-4000-8000-000000000001"
        case other = "5b7d0e2f-0000-4000-8000-000000000003"
        case unknown = "7c8e1f30-0000-4000-8000-000000000009"
    }

    let method: HTTPRequest.Method
    /// The path with its parameters in braces, as Docs/openapi.yaml writes it.
    let path: String
    let rule: Rule
    /// The body of the request; parameters in braces are filled in as in the path.
    var body: String?
    /// The status for permitted callers and a run that exists.
    var status = 200
    /// The status for operators and the agent, for a run that does not exist.
    var statusWithoutRun = 200
    /// Whether the response lasts until the stream's time limit.
    var isStream = false
    /// Creates what the route needs to succeed, and returns the values of its parameters.
    var prepare: @Sendable (APIHarness, RunID) async throws -> [String: String] = { _, _ in [:] }

    var testDescription: String { "\(method) \(path)" }
    var isAboutRun: Bool { path.contains("{runId}") }

    /// The status in the table.
    func expected(_ identity: AccessIdentity, _ run: Run) -> Int {
        if rule == .anybody { return status }
        switch identity {
        case .none, .unknown, .expired: return 401
        case _ where rule == .anyCaller: return status
        case .stranger: return 403
        case .owner: return run == .own ? status : 403
        case .agent where rule == .owner: return 403
        case .operator, .agent: return run == .unknown ? statusWithoutRun : status
        }
    }
}

extension AccessRoute {
    /// Every route of the service. A missing route fails a test.
    static let all: [AccessRoute] = [
        AccessRoute(
            method: .post,
            path: "/api/runs/{runId}/sandbox/port-forward",
            rule: .owner,
            body: #"{"target_port": 3000}"#,
            statusWithoutRun: 409
        ),
        AccessRoute(method: .get, path: "/api/runs/{runId}/sandbox/port-forward", rule: .owner),
        AccessRoute(
            method: .get,
            path: "/api/runs/{runId}/sandbox/port-forward/{token}",
            rule: .owner,
            statusWithoutRun: 404,
            prepare: startedPreview
        ),
        AccessRoute(
            method: .delete,
            path: "/api/runs/{runId}/sandbox/port-forward/{token}",
            rule: .owner,
            statusWithoutRun: 404,
            prepare: startedPreview
        ),
        AccessRoute(
            method: .post,
            path: "/api/runs/{runId}/sandbox/preview/{token}/keepalive",
            rule: .owner,
            statusWithoutRun: 404,
            prepare: startedPreview
        ),
        AccessRoute(
            method: .post,
            path: "/api/runs/{runId}/sandbox/preview",
            rule: .ownerOrAgent,
            body: #"{"target_port": 3000}"#,
            statusWithoutRun: 409,
            prepare: approvedByDefault
        ),
        AccessRoute(method: .get, path: "/api/runs/{runId}/preview-requests", rule: .ownerOrAgent),
        AccessRoute(
            method: .get,
            path: "/api/runs/{runId}/preview-requests/{requestId}",
            rule: .ownerOrAgent,
            statusWithoutRun: 404,
            prepare: pendingRequest
        ),
        AccessRoute(
            method: .post,
            path: "/api/runs/{runId}/tool-approvals",
            rule: .owner,
            body: #"{"request_id": "{requestId}"}"#,
            statusWithoutRun: 409,
            prepare: pendingRequest
        ),
        AccessRoute(
            method: .post,
            path: "/api/runs/{runId}/tool-denials",
            rule: .owner,
            body: #"{"request_id": "{requestId}"}"#,
            statusWithoutRun: 409,
            prepare: pendingRequest
        ),
        AccessRoute(
            method: .post,
            path: "/api/runs/{runId}/auto-approve",
            rule: .owner,
            body: #"{"enabled": true}"#,
            statusWithoutRun: 409
        ),
        AccessRoute(
            method: .get,
            path: "/api/runs/{runId}/preview-events",
            rule: .owner,
            statusWithoutRun: 409,
            isStream: true
        ),
        AccessRoute(
            method: .post,
            path: "/mcp",
            rule: .anyCaller,
            body: Sample.legacy("initialize", #""protocolVersion":"2025-11-25","capabilities":{}"#)
        ),
        AccessRoute(method: .get, path: "/healthz", rule: .anybody),
        AccessRoute(method: .get, path: "/readyz", rule: .anybody),
        AccessRoute(method: .get, path: "/metrics", rule: .anybody),
        AccessRoute(method: .get, path: "/openapi.json", rule: .anybody),
    ]

    /// The run or, if it does not exist, another one, to which the objects that a caller names then belong.
    private static func existing(_ run: RunID, in harness: APIHarness) throws -> RunID {
        harness.cluster.owner(of: run) == nil ? try RunID(Run.own.rawValue) : run
    }

    @Sendable private static func startedPreview(_ harness: APIHarness, of run: RunID) async throws -> [String: String]
    {
        let run = try existing(run, in: harness)
        let started = try await harness.core.previews.start(run: run, port: 3000, requester: "ada")
        return ["{token}": started.session.token.text]
    }

    @Sendable private static func pendingRequest(_ harness: APIHarness, of run: RunID) async throws -> [String: String]
    {
        let run = try existing(run, in: harness)
        let approval = try await harness.gate.pendingRequest(for: run)
        return ["{requestId}": approval.id.text]
    }

    /// Without this, the agent's route would wait for a human.
    @Sendable private static func approvedByDefault(_ harness: APIHarness, of run: RunID) async throws -> [String:
        String]
    {
        try await harness.gate.setAutoApprove(run: existing(run, in: harness), to: true, by: "ada")
        return [:]
    }
}
