import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewServer

/// Every route, called by every identity for every kind of run.
@Suite("Access by route, identity and run", .timeLimit(.minutes(10)))
struct AccessTableTests {
    @Test(arguments: AccessRoute.all)
    func everyIdentityGetsTheStatusOfTheTable(route: AccessRoute) async throws {
        for identity in AccessIdentity.allCases {
            for run in route.isAboutRun ? AccessRoute.Run.allCases : [.own] {
                let status = try await status(of: route, by: identity, on: run)
                #expect(status == route.expected(identity, run), "\(identity.rawValue), run \(run)")
            }
        }
    }

    private func status(of route: AccessRoute, by identity: AccessIdentity, on run: AccessRoute.Run) async throws -> Int
    {
        let harness = try await harness()
        var parameters = try await route.prepare(harness, RunID(run.rawValue))
        parameters["{runId}"] = run.rawValue
        func filled(_ text: String) -> String { parameters.reduce(text) { $0.replacing($1.key, with: $1.value) } }
        let (path, body) = (filled(route.path), route.body.map(filled))
        var headers: HTTPFields = [.contentType: "application/json", .accept: "application/json, text/event-stream"]
        if identity != .none { headers[.authorization] = "Bearer \(identity.bearer)" }
        let application = Application(responder: harness.api.router().buildResponder())
        return try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            if route.isStream { group.addTask { await Self.letTimePass(harness.clock) } }
            return try await application.test(.router) { [headers] client in
                let answer = try await client.call(route.method, path, body: body, headers: headers)
                #expect((answer.headers[.wwwAuthenticate] == "Bearer") == (answer.status == 401))
                return answer.status
            }
        }
    }

    /// Advances the clock, so that everything that waits for a time ends.
    private static func letTimePass(_ clock: ManualClock) async {
        while !Task.isCancelled {
            if clock.sleeperCount > 0 { clock.advance(by: TimelineStream.maxDuration) }
            await Task.yield()
        }
    }

    @Test(arguments: [
        ("list_previews", AccessRoute.Rule.owner, ""), ("stop_preview", .owner, #","session_id":"none""#),
        ("check_preview", .owner, #","session_id":"none""#),
        ("start_preview", .ownerOrAgent, #","port":3000"#),
    ])
    func theToolsOfMCPObeyTheSameRules(tool: String, rule: AccessRoute.Rule, arguments: String) async throws {
        for identity in [AccessIdentity.stranger, .owner, .operator, .agent] {
            for run in AccessRoute.Run.allCases {
                let harness = try await harness()
                for run in AccessRoute.Run.allCases where run != .unknown {
                    try await harness.gate.setAutoApprove(run: RunID(run.rawValue), to: true, by: "ada")
                }
                try await harness.test { client async throws in
                    var headers = HTTPFields.mcp(accept: "application/json")
                    headers[.authorization] = "Bearer \(identity.bearer)"
                    let call = Sample.call(tool, #"{"run_id":"\#(run.rawValue)"\#(arguments)}"#)
                    let answer = try await client.send(Sample.legacy("tools/call", call), headers)
                    #expect(answer.status == 200)
                    let isDenied = answer.text.contains("Only its owner") || answer.text.contains("service identity")
                    let route = AccessRoute(method: .post, path: tool, rule: rule)
                    #expect(isDenied == (route.expected(identity, run) == 403), "\(identity.rawValue), run \(run)")
                }
            }
        }
    }

    /// A new service, with an additional run of another user.
    private func harness() async throws -> APIHarness {
        let harness = try await APIHarness()
        harness.cluster.addSandbox(for: try RunID(AccessRoute.Run.other.rawValue), owner: "grace", pod: "pod-3")
        return harness
    }

    @Test func everyRouteIsInTheTable() async throws {
        let routes = try await APIHarness().api.describedRouter().routes.filter { $0.method != .head }.map {
            "\($0.method) \($0.path)"
        }
        let rows = AccessRoute.all.map { "\($0.method) \($0.path)" }
        #expect(routes.sorted() == rows.sorted())
    }

    /// Run with `UPDATE_DOCS=1` in the environment to write the table into the document.
    @Test func theDocumentHoldsThisTable() throws {
        let text = try ProjectFiles.text(AccessTable.document)
        let updated = try #require(AccessTable.updated(text), "Docs/Access.md has lost the comments around its table")
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" {
            try updated.write(toFile: ProjectFiles.path(AccessTable.document), atomically: true, encoding: .utf8)
        } else {
            #expect(text == updated, "run UPDATE_DOCS=1 swift test --filter theDocumentHoldsThisTable")
        }
    }
}
