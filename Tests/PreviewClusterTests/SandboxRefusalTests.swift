import DevCluster
import FoundationEssentials
import PreviewDomain
import Testing

@testable import PreviewControl

/// Runs without a pod that is provably theirs are refused with a 409, and nothing is created.
@Suite("Refusing a start without a proven sandbox", .timeLimit(.minutes(10)))
struct SandboxRefusalTests {
    /// What is wrong, and a part of the message that says so.
    enum Flaw: String, CaseIterable, Sendable {
        case noClaim, claimBeingDeleted, notReady, notBound, foreignRun, sandboxGone, podGone, podBeingDeleted
        case podEnded, podOfAnotherClaim, podNobodyVouchesFor

        var word: String {
            switch self {
            case .noClaim, .claimBeingDeleted: "has no sandbox"
            case .notReady: "not ready (Testing)"
            case .notBound: "not bound"
            case .foreignRun, .podOfAnotherClaim: "another run"
            case .sandboxGone: "no longer exists"
            case .podGone, .podBeingDeleted, .podEnded: "pod has ended"
            case .podNobodyVouchesFor: "cannot be verified"
            }
        }

        func make(for run: RunID, in cluster: TestCluster) throws {
            switch self {
            case .noClaim: break
            case .notReady: try cluster.addSandbox(for: run) { $0.isReady = false }
            case .notBound: try cluster.addSandbox(for: run) { $0.namesSandbox = false }
            case .foreignRun: try cluster.addSandbox(for: run) { $0.writtenRun = "another-run" }
            case .podOfAnotherClaim: try cluster.addSandbox(for: run) { $0.podLabel = "another-uid" }
            case .podNobodyVouchesFor:
                try cluster.addSandbox(for: run) {
                    $0.podLabel = nil
                    $0.podOwner = "another-uid"
                }
            case .podEnded: try cluster.endPod(cluster.addSandbox(for: run))
            case .sandboxGone: try cluster.delete(.sandboxes, cluster.addSandbox(for: run).name)
            case .podGone: try cluster.delete(.pods, cluster.addSandbox(for: run).podName)
            case .claimBeingDeleted:
                try cluster.delete(
                    .sandboxClaims,
                    cluster.addSandbox(for: run) { $0.finalizers = ["test/hold"] }.name
                )
            case .podBeingDeleted:
                try cluster.delete(.pods, cluster.addSandbox(for: run) { $0.finalizers = ["test/hold"] }.podName)
            }
        }
    }

    @Test("A start is refused with and without complete copies", arguments: Flaw.allCases, [false, true])
    func aStartIsRefused(flaw: Flaw, isFed: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try flaw.make(for: run, in: cluster)
            let replica = try await Replica(cluster)
            let start: @Sendable () async throws -> Void = {
                let error = await #expect(throws: PreviewError.self) { _ = try await replica.start(run) }
                #expect(error?.kind == .noSandbox)
                #expect(error?.message.contains(flaw.word) == true, "\(error?.message ?? "")")
                #expect(error?.message.isClearSentence == true)
                #expect(cluster.previewObjects.isEmpty)
                #expect(cluster.requests.count(verb: "patch") == 0)
            }
            if isFed { try await replica.whileWatching(start) } else { try await start() }
        }
    }

    @Test func aClaimThatNamesNoRunIsEnoughForAUUIDAlone() async throws {
        let uuid = try RunID.testing()
        let free = try RunID("nightly-build-7")
        try await TestCluster.run { cluster in
            for run in [uuid, free] { try cluster.addSandbox(for: run) { $0.writtenRun = nil } }
            let replica = try await Replica(cluster)
            _ = try await replica.start(uuid)
            let error = await #expect(throws: PreviewError.self) { _ = try await replica.start(free) }
            #expect(error?.kind == .noSandbox)
        }
    }

    @Test func aProvenPodWithoutTheClaimsLabelIsLabelledWithTheRun() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run) { $0.podLabel = nil }
            let token = try await Replica(cluster).start(run)
            let pod = try #require(cluster.store.get(.pods, namespace: TestCluster.namespace, name: sandbox.podName))
            #expect(pod.labels[PreviewLabel.run] == run.label.text)
            let selector = cluster.service(token)?["spec", "selector"]
            #expect(
                selector
                    == [PreviewLabel.run: .string(run.label.text), PreviewLabel.podUID: .string(sandbox.podUID)]
            )
        }
    }

    /// The two IDs have the same per-run label.
    @Test func aPodWithoutTheClaimsLabelIsSelectedForItsOwnRunAlone() async throws {
        let run = try RunID("3f2a9c1e-0000-4000-8000-000000000001..-_-____-.-")
        let other = try RunID("3f2a9c1e-0000-4000-8000-000000000001..-_--_._.--")
        #expect(run.label == other.label)
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run) { $0.podLabel = nil }
            _ = try cluster.addSandbox(for: other, claimName: other.claimNames[1]) { $0.podLabel = nil }
            let replica = try await Replica(cluster)
            let token = try await replica.start(run)
            _ = try await replica.start(other)
            let selector = try #require(cluster.service(token)?["spec", "selector"]?.objectValue)
            let selected = cluster.store.list(.pods).items.filter { pod in
                selector.allSatisfy { pod.labels[$0.key] == $0.value.stringValue }
            }
            #expect(selected.map(\.uid) == [sandbox.podUID])
        }
    }

    @Test func aPodReplacedBeforeItsLabelIsARefusalAndNothingIsMade() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run) { $0.podLabel = nil }
            let replica = try await Replica(cluster)
            let latch = Latch()
            cluster.faults.add(.init(verb: "patch", resource: "pods", fault: .hold(latch)))
            async let started: PreviewError? = #expect(throws: PreviewError.self) { _ = try await replica.start(run) }
            await latch.waitForArrival()
            try cluster.delete(.pods, sandbox.podName)
            latch.open()
            #expect(await started?.kind == .noSandbox)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    // MARK: Conflicts with existing objects

    @Test func aServiceNameThatExistsIsLeftAloneAndAnotherOneTaken() async throws {
        let run = try RunID.testing()
        let bytes: [UInt8] = (0..<64).map { $0 }
        let taken = try PreviewToken.mint(randomBytes: { Array(bytes.prefix($0)) })
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            try cluster.addService(taken, labels: ["owner": "somebody-else"])
            let before = cluster.service(taken)
            let stuck = try await Replica(cluster, randomBytes: { Array(bytes.prefix($0)) })
            let error = await #expect(throws: PreviewError.self) { _ = try await stuck.start(run) }
            #expect(error?.kind == .clusterRefused)
            #expect(error?.message.isClearSentence == true)
            #expect(cluster.previewObjects == [taken.objectName])
            #expect(cluster.service(taken) == before)

            _ = try await Replica(cluster).start(run)
            #expect(cluster.previewObjects.count == 3)
            #expect(cluster.service(taken) == before)
        }
    }

    @Test func aNamespaceThatDoesNotExistHoldsNoSandbox() async throws {
        let run = try RunID.testing()
        try await TestCluster.run(hasNamespace: false) { cluster in
            let error = await #expect(throws: PreviewError.self) { _ = try await Replica(cluster).start(run) }
            #expect(error?.kind == .noSandbox)
        }
    }

    @Test func aNamespaceThatIsBeingDeletedGetsNoPreviews() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            try cluster.store.delete(.namespaces, namespace: nil, name: TestCluster.namespace)
            let error = await #expect(throws: PreviewError.self) { _ = try await Replica(cluster).start(run) }
            #expect(error?.kind == .clusterRefused)
            #expect(error?.message.contains("being deleted") == true)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test func aNamespaceThatVanishesMeanwhileIsNamedAsTheReason() async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            let gone = StatusFailure.notFound(.namespaces, TestCluster.namespace)
            cluster.faults.add(.init(verb: "create", resource: "services", times: nil, fault: .respond(gone)))
            let error = await #expect(throws: PreviewError.self) { _ = try await replica.start(run) }
            #expect(error?.kind == .clusterRefused)
            #expect(error?.message.contains("namespace of the previews does not exist") == true)
        }
    }
}
