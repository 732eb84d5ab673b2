import DevCluster
import FoundationEssentials
import HTTPTypes
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewCommands

/// Exercises every operation of the service, and then searches all of its output for every secret.
@Suite("Secrecy of tokens, URLs and keys", .timeLimit(.minutes(2)))
struct SecrecyTests {
    private static let runPath = "/api/runs/\(ServiceUnderTest.run)"
    private static let otherPath = "/api/runs/\(ServiceUnderTest.otherRun)"
    private static let portForward = "\(runPath)/sandbox/port-forward"
    private static let wrongKey = "another-key-that-is-nobodys"

    @Test func secretsAppearInNoLogEventMetricOrError() async throws {
        let log = RecordedLog.ofProcess
        try await ServiceUnderTest.run(
            // Previews expire during the test.
            settings: [
                "Sandbox__Preview__IdleTimeoutMinutes": "0.1", "Sandbox__Preview__OutageGraceSeconds": "0",
                "Sandbox__Preview__MaxConcurrentSessionsPerRun": "2",
            ],
            logger: log.logger
        ) { service in
            try service.addSandbox()
            try service.addSandbox(run: ServiceUnderTest.otherRun)
            var secrets: Set<String> = [ServiceUnderTest.key, ServiceUnderTest.owner, Self.wrongKey]
            secrets.formUnion(service.server.configuration.users.map(\.token))
            var said: [String] = []

            let stopped = try await start(service, &secrets)
            let expiring = try await start(service, &secrets)
            try await keepListAndStop(service, stopped)
            said += try await errors(service, token: expiring)
            said += try await failures(service, token: expiring)
            said += try await approvals(service, &secrets)
            await waitUntil { !service.previewObjects.contains("preview-\(expiring)") }

            said += service.store.list(.events).items.map { "\($0)" }
            said.append(try await service.call(.get, "/metrics", bearer: nil).body)
            said += log.texts
            #expect(log.texts.contains { $0.contains("trace") })
            for text in said {
                for secret in secrets where text.contains(secret) {
                    Issue.record("'\(text.replacing(secret, with: "<SECRET>"))' tells a secret")
                }
            }
            // The log does name previews, by their fingerprints, so the search covered them.
            let fingerprint = try #require(PreviewToken(expiring)).fingerprint
            #expect(log.texts.contains { $0.contains(fingerprint) })
        }
    }

    private func start(_ service: ServiceUnderTest, _ secrets: inout Set<String>) async throws -> String {
        let answer = try await service.startPreview()
        let token = try #require(answer["session_id"])
        secrets.formUnion([token, try #require(answer["preview_url"])])
        return token
    }

    private func keepListAndStop(_ service: ServiceUnderTest, _ token: String) async throws {
        let kept = try await service.call(.post, "\(Self.runPath)/sandbox/preview/\(token)/keepalive")
        #expect(kept.status == 200)
        let listed = try await service.call(.get, Self.portForward)
        #expect(listed.body.contains(token))
        let stopped = try await service.call(.delete, "\(Self.portForward)/\(token)")
        #expect(stopped.status == 200)
    }

    /// Requests that fail with a secret in their path, their headers or their body.
    private func errors(_ service: ServiceUnderTest, token: String) async throws -> [String] {
        let owner = ServiceUnderTest.owner
        var bodies: [String] = []
        for (method, path, body, bearer, status) in [
            (
                HTTPRequest.Method.delete, "\(Self.otherPath)/sandbox/port-forward/\(token)", "", owner,
                404
            ),
            (.post, "\(Self.otherPath)/sandbox/preview/\(token)/keepalive", "", owner, 404),
            (.post, "\(Self.runPath)/sandbox/preview/\(token)x/keepalive", "", owner, 404),
            (.get, "/\(token)", "", owner, 404),
            (.get, "/api/runs/\(token)%20/sandbox/port-forward", "", owner, 400),
            (.post, Self.portForward, #"{"target_port": "\#(token)"}"#, owner, 400),
            (.post, Self.portForward, #"{"target_port": 3000, "x": "#, Self.wrongKey, 401),
            (.get, Self.portForward, "", "\(owner)x", 401),
            (.post, "\(Self.runPath)/tool-denials", #"{"request_id": "\#(token)"}"#, ServiceUnderTest.key, 403),
            (.get, "\(Self.runPath)/preview-requests/\(token)", "", owner, 404),
        ] {
            let answer = try await service.call(method, path, body: body, bearer: bearer)
            #expect(answer.status == status, "\(method)")
            bodies.append(answer.body)
        }
        return bodies
    }

    /// The responses to an agent's request and to a reader of its approvals.
    private func approvals(_ service: ServiceUnderTest, _ secrets: inout Set<String>) async throws -> [String] {
        let asked = try await service.requestPreview(port: 3001, bearer: ServiceUnderTest.owner)
        #expect(asked.status == 202)
        let read = try await service.call(.get, "\(Self.runPath)/preview-requests")
        #expect(read.status == 200)
        return [asked.body, read.body]
    }

    /// The responses when the cluster refuses a request with a message that contains the object's name, and with it the
    /// token.
    private func failures(_ service: ServiceUnderTest, token: String) async throws -> [String] {
        let name = "preview-\(token)"
        var bodies: [String] = []
        for failure in [
            StatusFailure.forbidden(.httpRoutes, name, "no"), .invalid(.httpRoutes, name, []),
            .modified(.httpRoutes, name),
        ] {
            for (method, path) in [
                (HTTPRequest.Method.post, "\(Self.runPath)/sandbox/preview/\(token)/keepalive"),
                (.delete, "\(Self.portForward)/\(token)"), (.get, Self.portForward),
            ] {
                service.server.faults.add(
                    .init(resource: "httproutes", times: nil, fault: .respond(failure)) { $0.verb != "watch" }
                )
                bodies.append(try await service.call(method, path).body)
                service.server.faults.clear()
            }
        }
        service.server.faults.add(.init(verb: "create", resource: "httproutes", fault: .executeThenDrop))
        bodies.append(try await service.call(.post, Self.portForward, body: #"{"target_port": 3002}"#).body)
        return bodies.filter { $0.contains("\"error\"") }
    }
}
