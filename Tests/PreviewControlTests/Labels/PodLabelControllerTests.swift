import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// When a run's pod carries the label of its run, and when the label is removed.
@Suite("Labels of pods", .timeLimit(.minutes(1)))
struct PodLabelControllerTests {
    private let run = ControlHarness.run
    private let cluster = SimulatedCluster()

    private func replica(labelsPods: Bool = true) async throws -> ControlHarness {
        try await ControlHarness(cluster: cluster, policy: .testing(labelsPods: labelsPods))
    }

    /// Follows the cluster while `work` runs.
    private func following(
        _ replicas: ControlHarness...,
        work: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for replica in replicas {
                group.addTask { try await cluster.run { replica.mirror.apply($0, at: cluster.reading()) } }
                await waitUntil { replica.mirror.isComplete }
            }
            try await work()
            group.cancelAll()
        }
    }

    /// Runs `work` with a replica that sees a pod with the run's label and no preview of the run.
    private func withLabelledPod(
        _ work: @escaping @Sendable (ControlHarness, PodIdentity) async throws -> Void
    ) async throws {
        let replica = try await replica()
        let pod = cluster.addSandbox(for: run)
        try await following(replica) {
            _ = try await cluster.label(pod, with: run.label, at: cluster.now)
            await waitUntil { replica.mirror.labelled == 1 }
            try await work(replica, pod)
        }
    }

    @Test func aPodIsLabelledBeforeItsServiceIsCreated() async throws {
        let replica = try await replica()
        let pod = cluster.addSandbox(for: run)
        _ = try await replica.previews.start(run: run, port: 3000, requester: "ada")
        #expect(cluster.runLabel(of: pod) == run.label)
        let steps = cluster.log.filter { [.labelPod, .createService, .createRoute].contains($0) }
        #expect(steps == [.labelPod, .createService, .createRoute])
    }

    @Test func withoutTheSettingNoPodIsTouched() async throws {
        let replica = try await replica(labelsPods: false)
        let pod = cluster.addSandbox(for: run)
        _ = try await replica.previews.start(run: run, port: 3000, requester: "ada")
        #expect(cluster.runLabel(of: pod) == nil)
    }

    enum End: CaseIterable, Sendable {
        case stop, reaping, deletionBySomebody, withdrawnStart
    }

    @Test("The label is removed after the last preview, however that ended, by any replica", arguments: End.allCases)
    func theLabelIsRemovedAfterTheLastPreview(end: End) async throws {
        let (first, second) = (try await replica(), try await replica())
        let pod = cluster.addSandbox(for: run)
        try await following(first, second) {
            if end == .withdrawnStart {
                cluster.fail(.createRoute, .before(ClusterError(.rejected, "a policy says no")))
                _ = try? await first.previews.start(run: run, port: 3000, requester: "ada")
            } else {
                let token = try await first.previews.start(run: run, port: 3000, requester: "ada").session.token
                await waitUntil {
                    second.mirror.lastSeenBackend(token) != nil && second.mirror.lastSeenRoute(token) != nil
                }
                _ = await second.core.podLabels.compare()
                #expect(cluster.runLabel(of: pod) == run.label)
                switch end {
                case .stop: try await first.previews.stop(run: run, token: token)
                case .reaping:
                    first.advance(by: .seconds(3600))
                    try await first.reaper.sweep(lists: true)
                case .deletionBySomebody, .withdrawnStart:
                    cluster.removeRoute(token)
                    cluster.removeBackend(token)
                }
            }
            first.advance(by: .seconds(121))
            await waitUntil { second.mirror.routes()?.isEmpty == true && second.mirror.labelled == 1 }
            await waitUntil { second.mirror.backendCount == 0 }
            _ = await second.core.podLabels.compare()
            #expect(cluster.runLabel(of: pod) == nil)
        }
    }

    @Test func aStartThatIsUnderWayElsewhereKeepsItsLabel() async throws {
        try await withLabelledPod { replica, pod in
            let wait = await replica.core.podLabels.compare()
            #expect(cluster.runLabel(of: pod) == run.label)
            #expect(wait <= .seconds(60))
            // A replica that ended between the label and the Service leaves the label for this long.
            replica.advance(by: .seconds(121))
            _ = await replica.core.podLabels.compare()
            #expect(cluster.runLabel(of: pod) == nil)
        }
    }

    @Test func aStartBetweenTheReadAndTheRemovalKeepsItsLabel() async throws {
        try await withLabelledPod { replica, pod in
            replica.advance(by: .seconds(121))
            cluster.interrupt(.unlabelPod) { _ = try? await cluster.label(pod, with: run.label, at: cluster.now) }
            _ = await replica.core.podLabels.compare()
            #expect(cluster.log.contains(.unlabelPod))
            #expect(cluster.runLabel(of: pod) == run.label)
        }
    }

    @Test func aMissingLabelIsAddedWhilePreviewsExist() async throws {
        let (without, with) = (try await replica(labelsPods: false), try await replica())
        let pod = cluster.addSandbox(for: run)
        try await following(with) {
            let token = try await without.previews.start(run: run, port: 3000, requester: "ada").session.token
            await waitUntil { with.mirror.lastSeenRoute(token) != nil }
            _ = await with.core.podLabels.compare()
            #expect(cluster.runLabel(of: pod) == run.label)
            cluster.clearLog()
            await waitUntil { with.mirror.labelled == 1 }
            _ = await with.core.podLabels.compare()
            #expect(cluster.log.isEmpty)
        }
    }

    @Test func aFailedReadChangesNoLabel() async throws {
        try await withLabelledPod { replica, pod in
            replica.advance(by: .seconds(121))
            cluster.failAlways(.routesOfRun, ClusterError(.unavailable, "the API server answered 500"))
            _ = await replica.core.podLabels.compare()
            replica.mirror.apply(.interrupted(.routes))
            cluster.stopFailing(.routesOfRun)
            _ = await replica.core.podLabels.compare()
            #expect(cluster.runLabel(of: pod) == run.label)
        }
    }

    @Test func aLabelSetByAnotherClientStays() async throws {
        let pod = PodIdentity(name: "pod", uid: "uid")
        var state = MirrorState(followsClaims: false)
        _ = state.apply(.pods(.replaced([PodRecord(identity: pod, runLabel: run.label)])))
        #expect(PodLabelPlan(state, now: .distantFuture, grace: .zero).steps.isEmpty)
        let ours = PodRecord(identity: pod, runLabel: run.label, labelledAt: Date(timeIntervalSince1970: 0))
        _ = state.apply(.pods(.replaced([ours])))
        #expect(PodLabelPlan(state, now: .distantFuture, grace: .zero).steps == [.remove(pod, run.label)])
    }
}

extension ClusterMirror {
    /// The number of pods that carry the label of a run.
    fileprivate var labelled: Int { read { $0.cluster.pods.values.count { $0.runLabel != nil } } }
    fileprivate var backendCount: Int { read { $0.cluster.backends.count } }
}
