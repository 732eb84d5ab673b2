import DevCluster
import FoundationEssentials
import KubernetesClient
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// Responses suddenly come from an API server whose clock is wrong, as behind a load balancer.
@Suite("One API server's wrong clock", .timeLimit(.minutes(10)))
struct WrongServerClockTests {
    @Test("A wrong clock ends no preview, refuses no keepalive and changes no promise", arguments: [35, -35])
    func oneWrongClockEndsNoPreviewAndChangesNoPromise(minutes: Int) async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            for _ in 0..<ServerTimeBounds.decidingVotes { try await replica.client.requestServerTime() }
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

    @Test func aClockThatWasSetForwardEndsNoPreviewBeforeItsViewerCanPing() async throws {
        let run = try RunID.testing()
        let ahead = Duration.seconds(40 * 60)
        let grace = Duration.seconds(150)
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let clock = ManualClock()
            let replica = try await Replica(cluster, outageGrace: grace, clock: clock)
            for _ in 0..<ServerTimeBounds.decidingVotes { try await replica.client.requestServerTime() }
            for _ in 0..<2 {
                clock.advance(by: grace / 2)
                try await replica.reaper.sweep()
            }
            let token = try await replica.start(run)
            #expect(replica.core.outage.idlenessCounts(for: token))

            cluster.faults.clockOffset = ahead
            try await replica.client.requestServerTime()
            cluster.advance(by: .seconds(72))
            clock.advance(by: .seconds(72))
            for _ in 0..<ServerTimeBounds.maxConfidence + ServerTimeBounds.decidingVotes {
                try await replica.client.requestServerTime()
            }
            let time = try #require(replica.client.serverClock.reading())
            #expect(time.steps == 1 && time.earliest > cluster.now + (ahead - .seconds(10)))
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.count == 2)
            let kept = try await replica.previews.keepAlive(run: run, token: token)
            #expect(kept.expiresAt >= cluster.now + ahead + .seconds(1790))

            // Without further pings it ends by the new time.
            for _ in 0..<2 {
                clock.advance(by: grace / 2)
                try await replica.reaper.sweep()
            }
            #expect(cluster.previewObjects.count == 2)
            cluster.advance(by: .seconds(1995))
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.isEmpty)
        }
    }
}
