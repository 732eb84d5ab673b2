import Basics
import DevCluster
import FoundationEssentials
import KubernetesClient
import KubernetesModel
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewCluster
@testable import PreviewControl

/// The number of requests of each operation once the copies are complete (invariant I14).
@Suite("Requests to the API server by operation", .timeLimit(.minutes(10)))
struct RequestCostTests {
    /// A sweep and the deadlines may delete at the same time.
    @Test func deletionsThatAllHangLeaveRequestsToCallers() {
        #expect(2 * ReapExecution.maxConcurrentDeletions <= RequestLimits.maxConcurrentRequests * 2 / 3)
    }

    /// Runs `work` with a replica whose copies are kept up to date, and with a sandbox of the run.
    private func withReplica(
        _ makeReplica: @Sendable (TestCluster) async throws -> Replica = { try await Replica($0) },
        _ work: @escaping @Sendable (TestCluster, Replica, RunID) async throws -> Void
    ) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await makeReplica(cluster)
            try await replica.whileWatching { try await work(cluster, replica, run) }
        }
    }

    @Test func aReplicaHasOneListAndOneWatchOfEachKind() async throws {
        try await TestCluster.run { cluster in
            let replica = try await Replica(cluster)
            cluster.requests.reset()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await replica.core.mirrorRunner.run() }
                group.addTask { try await replica.core.approvalExpiry.run() }
                let kinds = ["httproutes", "services", "pods", "sandboxclaims", "sandboxes", "gateways"]
                await waitUntil {
                    replica.mirror.isFresh && cluster.requests.count(verb: "watch") >= kinds.count
                }
                // In addition, the versions of the kinds are discovered.
                let requests = cluster.requests.entries.filter { ["list", "watch"].contains($0.key.verb) }
                    .map { "\($0.key.verb) \($0.key.resource) \($0.value)" }
                #expect(Set(requests) == Set(kinds.flatMap { ["list \($0) 1", "watch \($0) 1"] }))
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test func aWarmStartIsTwoCreatesAndTheSecondLookAtTheLimits() async throws {
        try await withReplica { cluster, replica, run in
            cluster.requests.reset()
            _ = try await replica.start(run)
            #expect(cluster.requests.count(verb: "create", resource: "services") == 1)
            #expect(cluster.requests.count(verb: "create", resource: "httproutes") == 1)
            #expect(cluster.requests.count(verb: "list", resource: "httproutes") == 1)
            #expect(cluster.requests.count() == 3)
        }
    }

    @Test func aStartThatLabelsThePodIsOneRequestMore() async throws {
        try await withReplica({ try await Replica($0, labelsPods: true) }) { cluster, replica, run in
            cluster.requests.reset()
            _ = try await replica.start(run)
            #expect(cluster.requests.count(verb: "patch", resource: "pods") == 1)
            #expect(cluster.requests.count() == 4)
            // If nothing differs, no request is sent.
            await waitUntil { replica.mirror.labelPlan(at: cluster.now, grace: .zero)?.steps.isEmpty == true }
            cluster.requests.reset()
            _ = await replica.core.podLabels.compare()
            #expect(cluster.requests.count() == 0)
        }
    }

    /// Known elements of a list are returned as they are; only changed ones are read again.
    @Test func aListReadsAgainOnlyWhatHasChanged() async throws {
        let runs = [try RunID.testing(1), try RunID.testing(2)]
        try await TestCluster.run { cluster in
            for run in runs { try cluster.addSandbox(for: run) }
            let replica = try await Replica(cluster)
            for run in runs { _ = try await replica.start(run) }
            // The same states with another owner, which distinguishes returned elements from those that were read.
            let known = try await replica.objects.routes().map { try $0.withOwner("known") }
            let changed = known[0].token
            try cluster.setExpiry(of: changed, in: .seconds(60))
            let routes = try await replica.objects.routes { token in known.first { $0.token == token } }
            #expect(routes.count == 2)
            for preview in routes { #expect(preview.owner == (preview.token == changed ? "ada" : "known")) }
        }
    }

    @Test func aSandboxMadeAfterTheFeedBeganIsStartedAsCheaply() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                let sandbox = try cluster.addSandbox(for: run)
                await waitUntil {
                    replica.mirror.claim(ofRunNamed: sandbox.name)?.sandboxName != nil
                        && replica.mirror.sandbox(named: sandbox.name) != nil
                        && replica.mirror.pod(named: sandbox.podName) != nil
                }
                cluster.requests.reset()
                _ = try await replica.start(run)
                #expect(cluster.requests.count() == 3)
            }
        }
    }

    @Test func aKeepaliveIsAtMostOneRequestAndTheNextOneNone() async throws {
        try await withReplica { cluster, replica, run in
            let token = try await replica.start(run)
            let soon = RFC3339.string(cluster.now + .seconds(600))
            try cluster.store.update(.httpRoutes, namespace: TestCluster.namespace, name: token.objectName) {
                $0["metadata", "annotations", PreviewAnnotations.Key.expiresAt] = .string(soon)
            }
            await waitUntil { replica.mirror.expiry(of: token).map(RFC3339.string) == soon }
            cluster.requests.reset()
            let first = try await replica.previews.keepAlive(run: run, token: token)
            #expect(cluster.requests.count() == cluster.requests.count(verb: "patch", resource: "httproutes"))
            #expect(cluster.requests.count() == 1)
            await waitUntil {
                replica.mirror.expiry(of: token).map(RFC3339.string) == RFC3339.string(first.expiresAt)
            }
            _ = try await replica.previews.keepAlive(run: run, token: token)
            #expect(cluster.requests.count() == 1)
        }
    }

    @Test func aStopIsTwoDeletes() async throws {
        try await withReplica { cluster, replica, run in
            let token = try await replica.start(run)
            await waitUntil { replica.mirror.knows(token) }
            cluster.requests.reset()
            try await replica.previews.stop(run: run, token: token)
            #expect(cluster.requests.count(verb: "delete") == 2)
            #expect(cluster.requests.count() == 2)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test("An idle sweep is three watches, however many previews there are", arguments: [true, false])
    func anIdleSweepIsThreeWatches(keepsAfterRun: Bool) async throws {
        try await withReplica({ try await Replica($0, keepsAfterRun: keepsAfterRun) }) { cluster, replica, run in
            for _ in 0..<20 { _ = try await replica.start(run) }
            cluster.requests.reset()
            try await replica.reaper.sweep()
            #expect(cluster.requests.count(verb: "watch") == 3)
            #expect(cluster.requests.count() == 3)
            #expect(cluster.previewObjects.count == 40)
        }
    }

    @Test("Without its watches an idle sweep is three lists", arguments: [true, false])
    func anIdleSweepWithoutWatchesIsThreeLists(keepsAfterRun: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, keepsAfterRun: keepsAfterRun)
            try await replica.whileWatching { for _ in 0..<20 { _ = try await replica.start(run) } }
            cluster.requests.reset()
            try await replica.reaper.sweep()
            #expect(cluster.requests.count(verb: "list") == 3)
            #expect(cluster.requests.count() == 3)
            #expect(cluster.previewObjects.count == 40)
        }
    }
}

extension ClusterMirror {
    /// Whether both halves of a preview have arrived in the copy.
    func knows(_ token: PreviewToken) -> Bool {
        if case .present = route(token), case .present = backend(token) { true } else { false }
    }

    func expiry(of token: PreviewToken) -> Date? {
        if case .present(let preview) = route(token) { preview.expiresAt } else { nil }
    }
}

extension Preview {
    fileprivate func withOwner(_ owner: String) throws -> Preview {
        try #require(
            Preview(
                name: token.objectName,
                labels: [PreviewLabel.partOf: PreviewLabel.partOfValue, PreviewLabel.token: token.text],
                annotations: [PreviewAnnotations.Key.owner: owner],
                uid: uid,
                resourceVersion: resourceVersion,
                createdAt: createdAt,
                isBeingDeleted: isBeingDeleted
            )
        )
    }
}
