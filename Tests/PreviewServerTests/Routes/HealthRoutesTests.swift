import Basics
import Foundation
import Hummingbird
import HummingbirdTesting
import NIOCore
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

/// Readiness means that this replica can answer requests.
@Suite("Readiness", .timeLimit(.minutes(10)))
struct HealthRoutesTests {
    private struct Readiness: Decodable {
        struct Brake: Decodable {
            let engaged: Bool
            let reason: String?
        }
        struct Cluster: Decodable {
            let reachable: Bool
            let reason: String?
        }
        struct IdleReaping: Decodable {
            let paused: Bool
        }
        let error: String?
        let serving: Bool
        let brake: Brake
        let cluster: Cluster
        // swift-format-ignore: AlwaysUseLowerCamelCase
        let idle_reaping: IdleReaping
    }

    private static let unreachable = ClusterError(.unavailable, "the API server cannot be reached (connect)")
    private let port = #"{"target_port": 3000}"#

    private func readiness(_ client: any TestClientProtocol) async throws -> (status: Int, body: Readiness) {
        try await client.execute(uri: "/readyz", method: .get) { answer in
            let body = try JSONDecoder().decode(Readiness.self, from: Data(answer.body.readableBytesView))
            #expect((body.error == nil) == (answer.status == .ok))
            #expect(body.serving == (answer.status == .ok))
            #expect(answer.status == .ok || answer.headers[.retryAfter] != nil)
            return (answer.status.code, body)
        }
    }

    @Test func aReplicaIsReadyOnceTheFirstListsWereTriedWithOrWithoutSuccess() async throws {
        for works in [true, false] {
            let harness = try await APIHarness(isSwept: false)
            if !works { harness.cluster.failAlways(.livePods, Self.unreachable) }
            try await harness.test { client in
                let before = try await readiness(client)
                #expect(before.status == 503)
                #expect(before.body.error == "Not ready: the cluster's previews have not been listed yet.")
                #expect(!before.body.cluster.reachable)
                try? await harness.core.reaper.sweep()
                let after = try await readiness(client)
                #expect(after.status == 200)
                #expect(after.body.brake.engaged == !works)
                #expect(after.body.cluster.reachable == works)
                #expect(after.body.cluster.reason == (works ? nil : Self.unreachable.detail))
            }
        }
    }

    @Test func anAPIServerThatIsAwayMakesNoReplicaUnready() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            harness.cluster.becomeUnreachable()
            for _ in 0..<10 {
                harness.controlClock.advance(by: .seconds(60))
                try? await harness.core.reaper.sweep()
            }
            let away = try await readiness(client)
            #expect(away.status == 200)
            #expect(away.body.brake.reason?.contains("could not be read for 600 s") == true)
            #expect(away.body.cluster.reason == Self.unreachable.detail)
            #expect(away.body.idle_reaping.paused)
            harness.cluster.becomeReachable()
            try await harness.core.reaper.sweep()
            let back = try await readiness(client)
            #expect(!back.body.brake.engaged && back.body.cluster.reachable)
        }
    }

    @Test func onePreviewThatCannotBeDeletedKeepsTheServiceReady() async throws {
        let harness = try await APIHarness()
        let (run, other) = (APIHarness.run, APIHarness.otherRun)
        try await harness.test { client in
            let stuck = try await client.start(run, port)
            let healthy = try await client.start(other, port)
            let doomed = try await client.start(other, #"{"target_port": 3001}"#)
            harness.cluster.annotate(
                try #require(PreviewToken(stuck)),
                [PreviewAnnotations.Key.expiresAt: RFC3339.string(harness.cluster.now - SimulatedCluster.uncertainty)]
            )
            let pending = Task { try await harness.gate.start(run: RunID(other), port: 3002, requester: "agent") }
            try await waitWhile { harness.cluster.approvals(of: try RunID(other)).isEmpty }
            let approval = try #require(harness.cluster.approvals(of: try RunID(other)).first)
            harness.cluster.failAlways(.deleteRoute, ClusterError(.unavailable, "the API server answered 500"))
            for _ in 0..<6 {
                try await harness.core.reaper.sweep()
                harness.controlClock.advance(by: .seconds(60))
            }
            try await harness.core.reaper.sweep()
            let (status, body) = try await readiness(client)
            #expect(status == 200)
            #expect(
                body.brake.reason == "1 preview is overdue and cannot be deleted: the API server answered 500"
            )
            // Only starts are refused.
            let start = try await client.call(.post, "/api/runs/\(other)/sandbox/port-forward", body: port)
            #expect(start.status == 503)
            harness.cluster.advance(by: .seconds(240))
            let preview = "/api/runs/\(other)/sandbox"
            #expect(try await client.call(.post, "\(preview)/preview/\(healthy)/keepalive").status == 200)
            #expect(try await client.call(.get, "\(preview)/port-forward").status == 200)
            let denial = #"{"request_id": "\#(approval.id.text)"}"#
            #expect(try await client.call(.post, "/api/runs/\(other)/tool-denials", body: denial).status == 200)
            let option = #"{"enabled": true}"#
            #expect(try await client.call(.post, "/api/runs/\(other)/auto-approve", body: option).status == 200)
            harness.cluster.stopFailing(.deleteRoute)
            #expect(try await client.call(.delete, "\(preview)/port-forward/\(doomed)").status == 200)
            pending.cancel()
        }
    }
}

extension TestClientProtocol {
    /// Starts a preview as the run's owner.
    ///
    /// - Returns: The preview's token.
    fileprivate func start(_ run: String, _ body: String) async throws -> String {
        let answer = try await call(.post, "/api/runs/\(run)/sandbox/port-forward", body: body)
        return try #require((answer.json as? [String: Any])?["session_id"] as? String)
    }
}
