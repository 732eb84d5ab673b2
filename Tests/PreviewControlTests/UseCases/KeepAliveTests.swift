import Basics
import FoundationEssentials
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Keeping a preview alive", .timeLimit(.minutes(10)))
struct KeepAliveTests {
    private let run = ControlHarness.run

    @Test func anAcknowledgedPingPromisesAtLeastTheIdleTimeAndATenthMoreAtMost() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
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
        let token = try await harness.startPreview().token
        try await harness.withReaper {
            await waitUntil { harness.mirror.isFresh }
            harness.cluster.clearLog()
            for _ in 0..<40 {
                harness.cluster.advance(by: .seconds(60) - SimulatedCluster.uncertainty)
                let before = harness.cluster.log.count { $0 == .extend }
                let kept = try await harness.previews.keepAlive(run: run, token: token)
                #expect(kept.expiresAt >= harness.cluster.now + .seconds(1800))
                if harness.cluster.log.count(where: { $0 == .extend }) > before {
                    // The watch delivers the written expiry before the next ping.
                    await waitUntil {
                        guard case .present(let preview) = harness.mirror.route(token) else { return false }
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
        let token = try await harness.startPreview().token
        var last: KeepaliveResult?
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
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(1801))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .previewNotFound)
        #expect(!harness.cluster.log.contains(.extend))
    }

    @Test func aPreviewThatTheCopyShowsAsExpiredIsReadFirst() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        harness.cluster.advance(by: .seconds(1700))
        // Another replica extends the preview, and this one's watch has not delivered that.
        let other = try await ControlHarness(cluster: harness.cluster)
        _ = try await other.previews.keepAlive(run: run, token: token)
        harness.cluster.advance(by: .seconds(200))
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        #expect(kept.expiresAt >= harness.cluster.now + .seconds(1800))
    }

    // MARK: Writes that come late

    /// The write of a slow replica reaches the cluster after that of another one, which has moved the expiry further.
    @Test func aLateWriteDoesNotMoveTheExpiryBack() async throws {
        let slow = try await ControlHarness()
        let token = try await slow.startPreview().token
        slow.mirror.apply(.routes(.replaced(try await slow.cluster.routes())))
        let fast = try await ControlHarness(cluster: slow.cluster)
        slow.cluster.advance(by: .seconds(600))
        let (cluster, run) = (slow.cluster, run)
        let promised = Mutex<KeepaliveResult?>(nil)
        cluster.interrupt(.extend) {
            cluster.advance(by: .seconds(900))
            let kept = try? await fast.previews.keepAlive(run: run, token: token)
            promised.withLock { $0 = kept }
        }
        let late = try await slow.previews.keepAlive(run: run, token: token)
        let other = try #require(promised.withLock { $0 })
        let written = try #require(cluster.annotations(of: token)?[PreviewAnnotations.Key.expiresAt])
        #expect(written == RFC3339.string(other.expiresAt), "the later promise is kept")
        #expect(late.expiresAt == other.expiresAt, "and the late caller is told what holds")
    }

    @Test("Whatever replicas write in whatever order, the expiry never decreases", arguments: 0..<40 as Range<UInt64>)
    func theExpiryNeverDecreases(seed: UInt64) async throws {
        let cluster = SimulatedCluster()
        // With short time-outs, every ping has to write.
        let policy = PreviewPolicy.testing(
            lifetime: LifetimePolicy(idleTimeout: .seconds(10), keepaliveCoalesce: .zero)
        )
        let first = try await ControlHarness(cluster: cluster, policy: policy, seed: seed)
        let token = try await first.startPreview().token
        var replicas = [first]
        for index in 1..<4 {
            replicas.append(try await ControlHarness(cluster: cluster, policy: policy, seed: seed * 10 + UInt64(index)))
        }
        cluster.interleave(seed: seed)
        let run = run
        for _ in 0..<5 {
            for replica in replicas.dropLast() { replica.mirror.apply(.routes(.replaced(try await cluster.routes()))) }
            let before = try #require(cluster.annotations(of: token)?[PreviewAnnotations.Key.expiresAt])
            let promises = try await withThrowingTaskGroup(of: Date?.self) { group in
                for replica in replicas {
                    group.addTask {
                        // Time passes between the replicas' decisions.
                        cluster.advance(by: .milliseconds(100))
                        do throws(PreviewError) {
                            return try await replica.previews.keepAlive(run: run, token: token).expiresAt
                        } catch {
                            #expect(error.kind == .clusterUnavailable)
                            return nil
                        }
                    }
                }
                return try await group.compactMap(\.self).reduce(into: [Date]()) { $0.append($1) }
            }
            let after = try #require(cluster.annotations(of: token)?[PreviewAnnotations.Key.expiresAt])
            #expect(after >= before)
            for promise in promises { #expect(RFC3339.string(promise) <= after, "every promise is kept") }
            #expect(!promises.isEmpty)
        }
    }

    @Test func anExpiryInAnotherSpellingIsMovedNevertheless() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        let spelling = RFC3339.string(harness.cluster.now + .seconds(900)).replacing("Z", with: "000Z")
        harness.cluster.annotate(token, [PreviewAnnotations.Key.expiresAt: spelling])
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        #expect(kept.expiresAt >= harness.cluster.now + .seconds(1800))
        #expect(harness.cluster.log.count { $0 == .extend } == 2)
    }

    /// Several viewers of one preview, each of which must write: a ping that a later one overtakes is still honoured.
    @Test func aPingThatLaterOnesOvertakeIsKept() async throws {
        let policy = PreviewPolicy.testing(
            lifetime: LifetimePolicy(idleTimeout: .seconds(1800), keepaliveCoalesce: .zero)
        )
        let harness = try await ControlHarness(policy: policy)
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(600))
        let (cluster, arrival) = (harness.cluster, harness.cluster.now)
        for _ in 0..<20 {
            cluster.interrupt(.extend) {
                cluster.advance(by: .seconds(1))
                let expiry = RFC3339.string(cluster.now + .seconds(1800))
                cluster.annotate(token, [PreviewAnnotations.Key.expiresAt: expiry])
            }
        }
        let kept = try await harness.previews.keepAlive(run: run, token: token)
        #expect(kept.expiresAt >= arrival + .seconds(1800))
        #expect(cluster.log.count { $0 == .extend } == 1)
    }

    @Test func aPreviewThatChangesAllTheTimeIsGivenUpInBoundedTime() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.advance(by: .seconds(600))
        let cluster = harness.cluster
        for seconds in 0..<20 {
            cluster.interrupt(.extend) {
                let expiry = RFC3339.string(cluster.now + .seconds(60 + seconds))
                cluster.annotate(token, [PreviewAnnotations.Key.expiresAt: expiry])
            }
        }
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .clusterUnavailable)
        #expect(cluster.log.count { $0 == .extend } <= 5)
    }

    @Test func anotherRunsTokenAnUnknownOneAndAStoppedOneGetTheSameAnswer() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
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

    @Test func anUnreachableClusterDoesNotMeanAMissingPreview() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.fail(.route, .before(ClusterError(.unavailable, "the API server answered 500")))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.keepAlive(run: run, token: token)
        }
        #expect(error?.kind == .clusterUnavailable)
    }
}
