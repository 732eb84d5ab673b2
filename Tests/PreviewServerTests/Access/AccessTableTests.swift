import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewServer

/// Every route by every identity on every kind of run.
@Suite("Who may do what")
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

    /// - Returns: The status that a service answers which has done nothing else.
    private func status(of route: AccessRoute, by identity: AccessIdentity, on run: AccessRoute.Run) async throws -> Int
    {
        let harness = try await APIHarness()
        harness.cluster.addSandbox(for: try RunID(AccessRoute.Run.other.rawValue), owner: "grace", pod: "pod-3")
        var parameters = try await route.prepare(harness, RunID(run.rawValue))
        parameters["{runId}"] = run.rawValue
        func filled(_ text: String) -> String { parameters.reduce(text) { $0.replacing($1.key, with: $1.value) } }
        let (path, body) = (filled(route.path), route.body.map(filled))
        var headers: HTTPFields = [.contentType: "application/json", .accept: "application/json, text/event-stream"]
        if identity != .none { headers[.authorization] = "Bearer \(identity.bearer)" }
        let application = Application(responder: harness.api.router().buildResponder())
        return try await application.test(.router) { [headers] client in
            let answer = try await client.call(route.method, path, body: body, headers: headers)
            #expect((answer.headers[.wwwAuthenticate] == "Bearer") == (answer.status == 401))
            return answer.status
        }
    }

    @Test func everyRouteIsInTheTable() async throws {
        let routes = try await APIHarness().api.router().routes.map { "\($0.method) \($0.path)" }
        let rows = AccessRoute.all.map { "\($0.method) \($0.path)" }
        #expect(routes.sorted() == rows.sorted())
    }

    /// Run with `UPDATE_DOCS=1` in the environment to write the table into the document.
    @Test func theDocumentHoldsThisTable() throws {
        let text = try String(contentsOf: AccessTable.document, encoding: .utf8)
        let updated = try #require(AccessTable.updated(text), "Docs/Access.md has lost the comments around its table")
        if ProcessInfo.processInfo.environment["UPDATE_DOCS"] == "1" {
            try updated.write(to: AccessTable.document, atomically: true, encoding: .utf8)
        } else {
            #expect(text == updated, "run UPDATE_DOCS=1 swift test --filter theDocumentHoldsThisTable")
        }
    }
}
