import DevCluster
import KubernetesClient
import KubernetesModel
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewCluster
@testable import PreviewControl

/// The pod of a run. An outdated copy of the cluster neither causes a refusal nor exposes another run's pod.
@Suite("Finding a run's pod", .timeLimit(.minutes(2)))
struct SandboxDirectoryTests {
    private static let claimLabel = ClusterLabel.claimUID

    /// Runs `body` with complete copies that receive no further changes.
    private func withFrozenCopies(
        _ prepare: @Sendable (TestCluster) throws -> Void,
        _ body: @escaping @Sendable (TestCluster, Replica) async throws -> Void
    ) async throws {
        try await TestCluster.run { cluster in
            try prepare(cluster)
            let latch = Latch()
            defer { latch.open() }
            cluster.faults.add(.init(verb: "watch", times: nil, fault: .holdWatch(latch)))
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                cluster.requests.reset()
                try await body(cluster, replica)
            }
        }
    }

    @Test func aRunThatTheCopyProvesCostsNoRequest() async throws {
        let run = try RunID.testing()
        try await withFrozenCopies {
            try $0.addSandbox(for: run)
        } _: { cluster, replica in
            let bound = try await replica.previews.sandboxes.sandbox(of: run)
            #expect(bound.owner == "ada")
            #expect(bound.selector == .existing([Self.claimLabel: bound.claim.uid]))
            #expect(cluster.requests.count() == 0)
        }
    }

    // MARK: The claim's names

    /// Both lookups: in the copy, and in the cluster if there is no copy.
    @Test(arguments: [true, false])
    func withoutAnAgentsClaimTheExecutorsIsUsed(isFed: Bool) async throws {
        let run = try RunID.testing()
        try await withFrozenCopies {
            try $0.addSandbox(for: run, claimName: run.claimNames[1])
        } _: { cluster, replica in
            let replica = isFed ? replica : try await Replica(cluster)
            let bound = try await replica.previews.sandboxes.sandbox(of: run)
            #expect(bound.claim.name == "run-0000000100004000")
            let token = try await replica.start(run)
            #expect(try await replica.previews.list(run: run).map(\.token) == [token])
            #expect(try await replica.previews.sandboxes.claim(of: run) == bound.claim)
            let store = KubernetesApprovalStore(client: replica.client, manifests: replica.objects.manifests)
            #expect(try await store.claim(of: run)?.identity == bound.claim)
            let owners = KubernetesRunOwners(
                client: replica.client,
                namespace: TestCluster.namespace,
                mirror: replica.mirror
            )
            #expect(try await owners.owner(of: run) == "ada")
            // Its events are on that claim.
            #expect(replica.timeline.events.map(\.claim) == [bound.claim])
        }
    }

    enum ClaimPair: String, CaseIterable, Sendable {
        /// Both belong to the run.
        case bothProven
        /// The agent's claim names another run.
        case agentsOfAnotherRun
        /// The agent's claim is being deleted.
        case agentsEnding
        /// The executor's claim names another run.
        case executorsOfAnotherRun
    }

    @Test("Of two claims the agent's is used, unless it names another run or is ending", arguments: ClaimPair.allCases)
    func ofTwoClaimsTheAgentsIsUsed(pair: ClaimPair) async throws {
        let run = try RunID.testing()
        try await withFrozenCopies { cluster in
            try cluster.addSandbox(for: run) {
                if pair == .agentsOfAnotherRun { $0.writtenRun = "another-run" }
                if pair == .agentsEnding { $0.finalizers = ["example.com/hold"] }
            }
            try cluster.addSandbox(for: run, claimName: run.claimNames[1]) {
                if pair == .executorsOfAnotherRun { $0.writtenRun = "another-run" }
            }
            if pair == .agentsEnding { try cluster.delete(.sandboxClaims, run.claimName) }
        } _: { cluster, replica in
            let expected =
                switch pair {
                case .bothProven, .executorsOfAnotherRun: run.claimNames[0]
                case .agentsOfAnotherRun, .agentsEnding: run.claimNames[1]
                }
            for replica in [replica, try await Replica(cluster)] {
                #expect(try await replica.previews.sandboxes.sandbox(of: run).claim.name == expected)
            }
        }
    }

    @Test func aNameAloneProvesNoRunThatIsNoUUID() async throws {
        let run = try RunID("nightly-build-of-ada")
        try await withFrozenCopies { cluster in
            try cluster.addSandbox(for: run) { $0.writtenRun = nil }
            try cluster.addSandbox(for: run, claimName: run.claimNames[1])
        } _: { cluster, replica in
            #expect(try await replica.previews.sandboxes.sandbox(of: run).claim.name == run.claimNames[1])
            // Sixteen equal characters at the beginning are no proof either.
            let other = try RunID("nightly-build-of-bob")
            let error = await #expect(throws: PreviewError.self) {
                _ = try await replica.previews.sandboxes.sandbox(of: other)
            }
            #expect(error?.kind == .noSandbox)
        }
    }

    @Test func whereAPreviewEndsWithItsRunTheExecutorsClaimCounts() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run, claimName: run.claimNames[1])
            let replica = try await Replica(cluster, keepsAfterRun: false)
            _ = try await replica.start(run)
            // If the copy has lost the claim, a live read under the claim's own name corrects it.
            replica.mirror.apply(.claims(.replaced([])))
            try await replica.reaper.sweep(lists: true)
            #expect(cluster.previewObjects.count == 2)
            try cluster.delete(.sandboxClaims, run.claimNames[1])
            try await replica.reaper.sweep(lists: true)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    // MARK: The pod's name

    @Test(arguments: [nil, "", "pod"])
    func withoutANameInTheAnnotationThePodHasTheSandboxsOwnName(annotation: String?) {
        var sandbox = ObjectMeta(name: "sandbox")
        sandbox.annotations[SandboxAnnotation.podName] = annotation
        #expect(SandboxRecord(sandbox).podName == (annotation == "pod" ? "pod" : "sandbox"))
    }

    // MARK: Old copies

    enum MissedChange: String, CaseIterable, Sendable {
        case sandboxMade, claimReady, podReplaced
    }

    @Test("A run that the copy does not show as it is, is read from the cluster", arguments: MissedChange.allCases)
    func aRunThatTheCopyShowsWronglyIsReadFromTheCluster(missed: MissedChange) async throws {
        let run = try RunID.testing()
        try await withFrozenCopies { cluster in
            switch missed {
            case .sandboxMade: break
            case .claimReady: try cluster.addSandbox(for: run) { $0.isReady = false }
            case .podReplaced: try cluster.endPod(cluster.addSandbox(for: run))
            }
        } _: { cluster, replica in
            if missed != .sandboxMade {
                try cluster.deleteSandboxes()
            }
            let sandbox = try cluster.addSandbox(for: run)
            let bound = try await replica.previews.sandboxes.sandbox(of: run)
            #expect(bound.pod.uid == sandbox.podUID)
            #expect(bound.claim.uid == sandbox.claimUID)
            #expect(cluster.requests.count(verb: "get") == 3)
        }
    }

    @Test func anOldCopyNeverLetsAServiceSelectAnotherRunsPod() async throws {
        // Two runs whose claims have the same name; the second claim has replaced the first.
        let first = try RunID("aaaaaaaa-aaaa-4000-8000-000000000001")
        let second = try RunID("aaaaaaaa-aaaa-4000-8000-000000000002")
        #expect(first.claimName == second.claimName)
        try await withFrozenCopies {
            try $0.addSandbox(for: first)
        } _: { cluster, replica in
            try cluster.deleteSandboxes()
            try cluster.addSandbox(for: second)
            let token = try await replica.start(first)
            let selector = try #require(cluster.service(token)?["spec", "selector"]?.objectValue)
            let selected = cluster.store.list(.pods).items.filter { pod in
                selector.allSatisfy { pod.labels[$0.key] == $0.value.stringValue }
            }
            #expect(selected.isEmpty)
            // The pod that owned it is gone. Watches that deliver nothing do not report that; the next list does.
            try await replica.reaper.sweep(lists: true)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test func aPodWithoutTheClaimsLabelIsConfirmedByTheCluster() async throws {
        let run = try RunID.testing()
        try await withFrozenCopies {
            try $0.addSandbox(for: run) { $0.podLabel = nil }
        } _: { cluster, replica in
            // After the copy was made, the pod became another run's.
            try cluster.store.update(.pods, namespace: TestCluster.namespace, name: "pod-of-\(run.claimName)") { pod in
                pod["metadata", "labels", Self.claimLabel] = "the-uid-of-another-claim"
            }
            let error = await #expect(throws: PreviewError.self) { _ = try await replica.start(run) }
            #expect(error?.kind == .noSandbox)
            #expect(cluster.requests.count(verb: "patch") == 0)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test func aBrokenWatchSendsEveryQuestionToTheCluster() async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            try await replica.whileWatching {
                replica.mirror.apply(.interrupted(.sandboxes))
                cluster.requests.reset()
                _ = try await replica.previews.sandboxes.sandbox(of: run)
                #expect(cluster.requests.count(verb: "get") == 3)
            }
        }
    }

    @Test func anEmptyCopyAnswersFromTheCluster() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let bound = try await Replica(cluster).previews.sandboxes.sandbox(of: run)
            #expect(bound.pod == PodIdentity(name: sandbox.podName, uid: sandbox.podUID))
        }
    }

    // MARK: Versions and kinds

    @Test func agentSandbox04IsFollowedInItsOwnVersion() async throws {
        let run = try RunID.testing()
        let old = ResourceKind.all.map { kind in
            [.sandboxes, .sandboxClaims].contains(kind) ? kind.serving("v1alpha1") : kind
        }
        try await TestCluster.run(kinds: old) { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                cluster.requests.reset()
                _ = try await replica.start(run)
                #expect(cluster.requests.count() == 3)
            }
        }
    }

    @Test func kindsThatAreNotInstalledStopNothingElse() async throws {
        let run = try RunID.testing()
        let without = ResourceKind.all.filter { ![.sandboxes, .sandboxClaims].contains($0) }
        try await TestCluster.run(kinds: without) { cluster in
            let replica = try await Replica(cluster, keepsAfterRun: false)
            let token = try #require(PreviewToken("lonely"))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await replica.feed.run { replica.mirror.apply($0) } }
                defer { group.cancelAll() }
                try cluster.addLegacyPreview(token, of: run)
                await waitUntil { replica.mirror.knows(token) }
                _ = try await replica.previews.keepAlive(run: run, token: token)
                let error = await #expect(throws: PreviewError.self) { _ = try await replica.start(run) }
                #expect(error?.kind == .clusterRefused)
                #expect(error?.message.contains("does not serve a resource") == true)
                try await replica.reaper.sweep()
                #expect(cluster.previewObjects.count == 2)
                try await replica.previews.stop(run: run, token: token)
                #expect(cluster.previewObjects.isEmpty)
            }
        }
    }
}
