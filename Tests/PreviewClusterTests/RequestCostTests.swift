import DevCluster
import FoundationEssentials
import KubernetesModel
import PreviewDomain
import Testing

@testable import PreviewCluster
@testable import PreviewControl

/// What each operation costs the API server once the copies are complete (I14 of the design).
@Suite("What it costs the API server")
struct RequestCostTests {
    @Test func aWarmStartIsTwoCreatesAndTheSecondLookAtTheLimits() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            try await replica.whileFed {
                cluster.requests.reset()
                _ = try await replica.start(run)
                #expect(cluster.requests.count(verb: "create", resource: "services") == 1)
                #expect(cluster.requests.count(verb: "create", resource: "httproutes") == 1)
                #expect(cluster.requests.count(verb: "list", resource: "httproutes") == 1)
                #expect(cluster.requests.count() == 3)
            }
        }
    }

    @Test func aSandboxMadeAfterTheFeedBeganIsStartedAsCheaply() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let replica = try await Replica(cluster)
            try await replica.whileFed {
                let sandbox = try cluster.addSandbox(for: run)
                await replica.until {
                    replica.cache.claim(sandbox.name)?.status.sandbox?.name != nil
                        && replica.cache.sandbox(sandbox.name) != nil && replica.cache.pod(sandbox.podName) != nil
                }
                cluster.requests.reset()
                _ = try await replica.start(run)
                #expect(cluster.requests.count() == 3)
            }
        }
    }

    @Test func aKeepaliveIsAtMostOneRequestAndTheNextOneNone() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            try await replica.whileFed {
                let token = try await replica.start(run)
                let soon = RFC3339.string(cluster.now + .seconds(600))
                try cluster.store.update(.httpRoutes, namespace: TestCluster.namespace, name: token.objectName) {
                    $0["metadata", "annotations", PreviewAnnotations.Key.expiresAt] = .string(soon)
                }
                await replica.until { replica.index.expiry(of: token).map(RFC3339.string) == soon }
                cluster.requests.reset()
                let first = try await replica.previews.keepAlive(run: run, token: token)
                #expect(cluster.requests.count() == cluster.requests.count(verb: "patch", resource: "httproutes"))
                #expect(cluster.requests.count() == 1)
                await replica.until {
                    replica.index.expiry(of: token).map(RFC3339.string) == RFC3339.string(first.expiresAt)
                }
                _ = try await replica.previews.keepAlive(run: run, token: token)
                #expect(cluster.requests.count() == 1)
            }
        }
    }

    @Test func aStopIsTwoDeletes() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            try await replica.whileFed {
                let token = try await replica.start(run)
                await replica.until { replica.index.knows(token) }
                cluster.requests.reset()
                try await replica.previews.stop(run: run, token: token)
                #expect(cluster.requests.count(verb: "delete") == 2)
                #expect(cluster.requests.count() == 2)
                #expect(cluster.previewObjects.isEmpty)
            }
        }
    }

    @Test("An idle sweep is three watches, however many previews there are", arguments: [true, false])
    func anIdleSweepIsThreeWatches(keepsAfterRun: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, policy: .testing(keepsAfterRun: keepsAfterRun))
            try await replica.whileFed {
                for _ in 0..<20 { _ = try await replica.start(run) }
                cluster.requests.reset()
                try await replica.reaper.sweep()
                #expect(cluster.requests.count(verb: "watch") == 3)
                #expect(cluster.requests.count() == 3)
                #expect(cluster.previewObjects.count == 40)
            }
        }
    }

    @Test("Without its watches an idle sweep is three lists", arguments: [true, false])
    func anIdleSweepWithoutWatchesIsThreeLists(keepsAfterRun: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, policy: .testing(keepsAfterRun: keepsAfterRun))
            try await replica.whileFed { for _ in 0..<20 { _ = try await replica.start(run) } }
            cluster.requests.reset()
            try await replica.reaper.sweep()
            #expect(cluster.requests.count(verb: "list") == 3)
            #expect(cluster.requests.count() == 3)
            #expect(cluster.previewObjects.count == 40)
        }
    }
}

extension PreviewIndex {
    /// Whether both halves of a preview have arrived.
    func knows(_ token: PreviewToken) -> Bool {
        if case .present = route(token), case .present = backend(token) { true } else { false }
    }

    func expiry(of token: PreviewToken) -> Date? {
        if case .present(let preview) = route(token) { preview.expiresAt } else { nil }
    }
}
