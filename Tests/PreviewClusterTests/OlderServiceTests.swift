import DevCluster
import FoundationEssentials
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewCluster
@testable import PreviewControl

/// This service and the platform's older one in the same namespace: neither harms the other's previews.
@Suite("Beside the platform's older service", .timeLimit(.minutes(2)))
struct OlderServiceTests {
    private func pod(_ cluster: TestCluster, _ name: String) -> JSONValue? {
        cluster.store.get(.pods, namespace: TestCluster.namespace, name: name)
    }

    // MARK: This service's previews under the older service's rules

    @Test("This service's previews survive the older reaper only if pods are labelled", arguments: [true, false])
    func ourPreviewsSurviveTheOlderReaperOnlyIfPodsAreLabelled(labelsPods: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, labelsPods: labelsPods)
            let token = try await replica.start(run)
            let older = OlderService(cluster: cluster)
            #expect(older.list(run) == [token.text])
            #expect(older.reap() == (labelsPods ? [] : [token.text]))
        }
    }

    /// The older service's reaper may run at any moment of a start.
    @Test func theOlderReaperDoesNoHarmAtAnyMomentOfAStart() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let older = OlderService(cluster: cluster)
            let replica = try await Replica(cluster, labelsPods: true)
            let looks = Mutex(0)
            let ended = Mutex<Set<String>>([])
            // The rule runs the older service's reaper before each request, and injects no fault.
            cluster.faults.add(
                .init(times: nil, fault: .drop) { _ in
                    looks.withLock { $0 += 1 }
                    ended.withLock { $0.formUnion(older.reap()) }
                    return false
                }
            )
            let token = try await replica.start(run)
            #expect(looks.withLock(\.self) >= 4)
            #expect(ended.withLock(\.self).isEmpty)
            #expect(older.reap().isEmpty)
            #expect(older.list(run) == [token.text])
        }
    }

    @Test func theOlderServiceKeepsStopsAndReapsOurPreviews() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let older = OlderService(cluster: cluster)
            let replica = try await Replica(cluster, labelsPods: true)
            let kept = try await replica.start(run)
            let stopped = try await replica.start(run)
            cluster.advance(by: .seconds(25 * 60))
            try older.keepAlive(kept)
            cluster.advance(by: .seconds(10 * 60))
            older.stop(stopped.text)
            // Neither reaper finds anything to delete.
            #expect(older.reap().isEmpty)
            try await replica.reaper.sweep(lists: true)
            #expect(Set(cluster.previewObjects) == [kept.objectName])
            cluster.advance(by: .seconds(30 * 60))
            #expect(older.reap() == [kept.text])
            try await replica.reaper.sweep(lists: true)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    // MARK: The older service's previews under this service's rules

    @Test func thisServiceListsKeepsAndStopsOlderPreviews() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let older = OlderService(cluster: cluster)
            let token = try older.start(run, name: "older-one", pod: sandbox.podName)
            let replica = try await Replica(cluster)
            #expect(try await replica.previews.list(run: run).map(\.token) == [token])
            cluster.advance(by: .seconds(25 * 60))
            _ = try await replica.previews.keepAlive(run: run, token: token)
            cluster.advance(by: .seconds(25 * 60))
            #expect(older.reap().isEmpty)
            try await replica.reaper.sweep(lists: true)
            #expect(cluster.previewObjects.count == 2)
            try await replica.previews.stop(run: run, token: token)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test("The older service's previews are reaped when idle, and when their pod is gone", arguments: [true, false])
    func thisServiceReapsOlderPreviews(podIsGone: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let older = OlderService(cluster: cluster)
            _ = try older.start(run, name: "older-one", pod: sandbox.podName)
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                await waitUntil { replica.mirror.previewCount == 1 }
                try await replica.reaper.sweep()
                #expect(cluster.previewObjects.count == 2)
                if podIsGone {
                    try cluster.delete(.pods, sandbox.podName)
                    await waitUntil { replica.mirror.pod(named: sandbox.podName) == nil }
                } else {
                    cluster.advance(by: .seconds(31 * 60))
                }
                try await replica.reaper.sweep()
                await waitUntil { cluster.previewObjects.isEmpty }
            }
        }
    }

    // MARK: The label

    @Test func theLabelStaysWhileTheOlderServiceHasPreviewsOfTheRun() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let older = OlderService(cluster: cluster)
            let replica = try await Replica(cluster, labelsPods: true)
            try await replica.whileWatching {
                let ours = try await replica.start(run)
                let its = try older.start(run, name: "older-one", pod: sandbox.podName)
                try await replica.previews.stop(run: run, token: ours)
                cluster.advance(by: .seconds(180))
                await waitUntil {
                    replica.mirror.lastSeenRoute(ours) == nil && replica.mirror.lastSeenRoute(its) != nil
                }
                _ = await replica.core.podLabels.compare()
                #expect(pod(cluster, sandbox.podName)?.labels[PreviewLabel.run] == run.label.text)
                #expect(older.reap().isEmpty)

                older.stop(its.text)
                await waitUntil {
                    replica.mirror.routes()?.isEmpty == true && replica.mirror.lastSeenBackend(its) == nil
                }
                _ = await replica.core.podLabels.compare()
                #expect(pod(cluster, sandbox.podName)?.labels[PreviewLabel.run] == nil)
                #expect(pod(cluster, sandbox.podName)?["metadata", "annotations", PodAnnotation.labelledAt] == nil)
                // The labels of agent-sandbox are unchanged.
                #expect(pod(cluster, sandbox.podName)?.labels[ClusterLabel.claimUID] == sandbox.claimUID)
            }
        }
    }

    /// The older service found the label and therefore did not write it, just before the label was removed.
    @Test func aLabelRemovedDuringAStartOfTheOlderServiceIsRestored() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, labelsPods: true)
            try await replica.whileWatching {
                let ours = try await replica.start(run)
                try await replica.previews.stop(run: run, token: ours)
                cluster.advance(by: .seconds(180))
                await waitUntil {
                    replica.mirror.routes()?.isEmpty == true && replica.mirror.lastSeenBackend(ours) == nil
                }
                _ = await replica.core.podLabels.compare()
                let its = try OlderService(cluster: cluster).start(run, name: "older-one", pod: sandbox.podName)
                try cluster.store.update(.pods, namespace: TestCluster.namespace, name: sandbox.podName) {
                    $0["metadata", "labels", PreviewLabel.run] = nil
                }
                await waitUntil {
                    replica.mirror.lastSeenRoute(its) != nil
                        && replica.mirror.pod(named: sandbox.podName)?.runLabel == nil
                }
                _ = await replica.core.podLabels.compare()
                #expect(pod(cluster, sandbox.podName)?.labels[PreviewLabel.run] == run.label.text)
            }
        }
    }

    /// The way back: previews of a replica that did not label are labelled before the older service is switched on.
    @Test func previewsThatExistAreLabelledOnceTheSettingIsOn() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let token = try await Replica(cluster).start(run)
            let replica = try await Replica(cluster, labelsPods: true)
            try await replica.whileWatching {
                _ = await replica.core.podLabels.compare()
                #expect(pod(cluster, sandbox.podName)?.labels[PreviewLabel.run] == run.label.text)
                #expect(OlderService(cluster: cluster).reap().isEmpty)
                #expect(cluster.previewObjects.contains(token.objectName))
            }
        }
    }

    // MARK: Migration and return

    /// The steps of Docs/Migration.md, with previews of both services that survive all of them.
    @Test func aMigrationAndItsReversalLoseNoPreview() async throws {
        let (first, second) = (try RunID.testing(1), try RunID.testing(2))
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: first)
            try cluster.addSandbox(for: second)
            let older = OlderService(cluster: cluster)
            let its = try older.start(first, name: "older-one", pod: sandbox.podName)

            // Both services.
            let beside = try await Replica(cluster, labelsPods: true)
            let besideIt = try await beside.start(first)
            let alone = try await beside.start(second)
            let all = [(first, its), (first, besideIt), (second, alone)]
            #expect(older.reap().isEmpty)
            try await beside.reaper.sweep(lists: true)

            // This service alone, without labelling.
            let after = try await Replica(cluster)
            for _ in 0..<3 {
                cluster.advance(by: .seconds(20 * 60))
                for (run, token) in all { _ = try await after.previews.keepAlive(run: run, token: token) }
                try await after.reaper.sweep(lists: true)
            }
            let late = try await after.start(second)
            #expect(cluster.previewObjects.count == 8)

            // The way back: the pods are labelled, then the older service runs beside this one, then alone.
            let before = try await Replica(cluster, labelsPods: true)
            try await before.whileWatching {
                _ = await before.core.podLabels.compare()
                #expect(older.reap().isEmpty)
                cluster.advance(by: .seconds(20 * 60))
                for (run, token) in all + [(second, late)] {
                    _ = try await before.previews.keepAlive(run: run, token: token)
                }
                #expect(older.reap().isEmpty)
            }
            cluster.advance(by: .seconds(20 * 60))
            for (_, token) in all + [(second, late)] { try older.keepAlive(token) }
            #expect(older.reap().isEmpty)
            #expect(older.list(first) == [its.text, besideIt.text])
            #expect(older.list(second) == [alone.text, late.text])
            cluster.advance(by: .seconds(31 * 60))
            #expect(older.reap().count == 4)
            #expect(cluster.previewObjects.isEmpty)
        }
    }
}
