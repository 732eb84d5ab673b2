import DevCluster
import FoundationEssentials
import KubernetesClient
import PreviewDomain
import Testing

@testable import PreviewControl

/// Responses suddenly come from an API server whose clock is wrong, as behind a load balancer.
@Suite("One API server's wrong clock", .timeLimit(.minutes(10)))
struct WrongServerClockTests {
    @Test("A wrong clock ends no preview, refuses no keepalive and changes no promise", arguments: [35, -35])
    func oneWrongClock(minutes: Int) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            for _ in 0..<ServerTimeBounds.deciding { try await replica.client.askForServerTime() }
            let token = try await replica.start(run)
            try cluster.setExpiry(of: token, in: .seconds(600))

            cluster.faults.clockOffset = .seconds(minutes * 60)
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.count == 2)
            let kept = try await replica.previews.keepAlive(run: run, token: token)
            #expect(kept.expiresAt >= cluster.now + .seconds(1790))
            #expect(kept.expiresAt <= cluster.now + .seconds(1990))
            let contradiction = try #require(replica.client.serverClock.contradiction)
            #expect(abs(contradiction / .seconds(60) - Double(minutes)) < 0.1)

            // The preview ends by the accepted clock, not 35 minutes later.
            cluster.advance(by: .seconds(1995))
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.isEmpty)
        }
    }
}
