import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Keeping a preview alive")
struct KeepAliveTests {
    private let run = ControlHarness.run

    private func started(_ harness: ControlHarness) async throws -> PreviewToken {
        harness.cluster.addSandbox(for: run)
        let token = try await harness.previews.start(run: run, port: 3000, requester: "ada").session.token
        harness.cluster.clearLog()
        return token
    }

    @Test func anAcknowledgedPingPromisesAtLeastTheIdleTimeAndATenthMoreAtMost() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        harness.cluster.advance(by: .seconds(600))
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        let now = harness.cluster.now
        #expect(kept.expiresAt >= now + .seconds(1800))
        #expect(kept.expiresAt <= now + .seconds(1980))
        #expect(
            harness.cluster.annotations(of: token)?[PreviewAnnotations.Key.expiresAt]
                == RFC3339.string(kept.expiresAt)
        )
    }

    @Test func withAFreshIndexAPingIsAtMostOneRequestAndOneInFourWrites() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        try await harness.withReaper {
            await harness.until { harness.index.isFresh }
            harness.cluster.clearLog()
            for _ in 0..<40 {
                harness.cluster.advance(by: .seconds(60))
                let before = harness.cluster.log.count { $0 == .extend }
                let kept = try await harness.previews.keepAlive(run: run, token: token)
                #expect(kept.expiresAt >= harness.cluster.now + .seconds(1800))
                if harness.cluster.log.count(where: { $0 == .extend }) > before {
                    // The watch brings the written expiry back before the next ping.
                    await harness.until {
                        guard case .present(let preview) = harness.index.route(token) else { return false }
                        return preview.expiresAt == kept.expiresAt
                    }
                }
            }
            #expect(harness.cluster.log.allSatisfy { $0 == .extend })
            #expect(harness.cluster.log.count <= 10)
        }
    }

    @Test func theCapIsNeverPassed() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        var last: KeptAlive?
        for _ in 0..<31 {
            harness.cluster.advance(by: .seconds(900))
            last = try await harness.previews.keepAlive(run: run, token: token)
        }
        let kept = try #require(last)
        #expect(kept.expiresAt <= kept.maxUntil)
        harness.cluster.advance(by: .seconds(900))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .previewNotFound)
    }

    @Test func anExpiredPreviewIsNotRevived() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        harness.cluster.advance(by: .seconds(1801))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .previewNotFound)
        #expect(!harness.cluster.log.contains(.extend))
    }

    @Test func whatTheIndexCallsExpiredIsLookedUpFirst() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        harness.index.apply(.routesReplaced(try await harness.cluster.routes()))
        harness.cluster.advance(by: .seconds(1700))
        // Another replica extends it, and this one's watch has not heard of it.
        let other = try await ControlHarness(cluster: harness.cluster)
        _ = try await other.previews.keepAlive(run: run, token: token)
        harness.cluster.advance(by: .seconds(200))
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        #expect(kept.expiresAt >= harness.cluster.now + .seconds(1800))
    }

    @Test func anotherRunsTokenAnUnknownOneAndAStoppedOneGetTheSameAnswer() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        let unknown = try #require(PreviewToken("swift-falcon-amber-aaaaaaaaaaaaaaaaaaaaaaaaaa"))
        let foreign = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: ControlHarness.otherRun, token: token)
        }
        let missing = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: unknown)
        }
        try await harness.previews.stop(run: run, token: token)
        let stopped = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(foreign == missing)
        #expect(stopped == missing)
    }

    @Test func anUnreachableClusterIsNotTakenForAMissingPreview() async throws {
        let harness = try await ControlHarness()
        let token = try await started(harness)
        harness.cluster.fail(.route, .before(ClusterError(.unavailable, "the API server answered 500")))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .clusterUnavailable)
    }
}
