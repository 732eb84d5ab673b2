import Hummingbird
import HummingbirdTesting
import PreviewIdentity
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// A decision about another tool, of which the core API says nothing.
@Suite("Decisions that the core API does not answer", .timeLimit(.minutes(2)))
struct ForwardedDecisionTests {
    private static let path = "/api/runs/\(APIHarness.run)/tool-approvals"
    private static let body = #"{"request_id": "of-another-tool"}"#

    @Test func aCallerThatLeavesEndsTheForwardedRequest() async throws {
        try await RawPeer.run({ _, _ in .init("", then: .keepOpen) }) { core in
            let caller = Caller(identity: "ada", role: .user)
            let responder = try await APIHarness().gateResponder(for: caller, core: core.port)
            try await Application(responder: responder, logger: .silent).test(.live) { client in
                let port = try #require(client.port)
                let caller = try await RawClient.connect(to: port)
                try await caller.send(
                    """
                    POST \(Self.path) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                    Content-Length: \(Self.body.utf8.count)\r\n\r\n\(Self.body)
                    """
                )
                await waitWhile { core.heads.isEmpty }
                try await caller.close()
                await waitWhile { core.openConnectionCount > 0 }
            }
        }
    }

    @Test func aTimeOutReportsThatTheDecisionMayHaveBeenMade() async throws {
        try await RawPeer.run({ _, _ in .init("", then: .keepOpen) }) { core in
            let caller = Caller(identity: "ada", role: .user)
            let harness = try await APIHarness()
            let responder = TimeLimitedResponder(
                base: try harness.gateResponder(for: caller, core: core.port),
                limit: .milliseconds(100),
                time: harness.api.time
            )
            try await Application(responder: responder, logger: .silent).test(.live) { client in
                let answer = try await client.call(.post, Self.path, body: Self.body)
                #expect(answer.status == 504)
                let message = try #require((answer.json as? [String: Any])?["error"] as? String)
                #expect(message.contains("may have been carried out"))
            }
            await waitWhile { core.openConnectionCount > 0 }
        }
    }

    @Test func aResponseThatEndsEarlyIsNoResponse() async throws {
        let half = RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}", then: .close)
        try await RawPeer.run({ _, _ in half }) { core in
            let caller = Caller(identity: "ada", role: .user)
            let responder = try await APIHarness().gateResponder(for: caller, core: core.port)
            try await Application(responder: responder, logger: .silent).test(.router) { client in
                let answer = try await client.call(.post, Self.path, body: Self.body)
                #expect(answer.status == 502)
                let message = try #require((answer.json as? [String: Any])?["error"] as? String)
                #expect(message.contains("may have been carried out"))
            }
        }
    }
}
