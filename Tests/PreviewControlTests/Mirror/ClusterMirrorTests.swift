import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The copy of the cluster", .timeLimit(.minutes(2)))
struct ClusterMirrorTests {
    private let objects = MirroredHistory()

    // MARK: Watches that are not in step

    /// The changes of each kind arrive in their order, and those of all kinds are mixed at random. Whatever the mix,
    /// the final copy is the same, and the reaper's queue finds what a sweep finds.
    @Test(arguments: UInt64(1)...200)
    func whateverTheOrderBetweenWatchesTheCopyAndWhatIsDueAreTheSame(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let policy = PreviewPolicy.testing(lifetime: LifetimePolicy(keepsAfterRun: seed.isMultiple(of: 2)))
        let histories = objects.histories(random)
        var found: [Set<ReapKey>] = []
        for _ in 0..<3 {
            let mirror = ClusterMirror(policy: policy, spread: { _ in 0 })
            for change in MirroredHistory.mixed(histories, random) { mirror.apply(change) }
            #expect(mirror.isFresh)
            let now = MirroredHistory.created.addingTimeInterval(Double(random.next() % 4000))
            let swept = Set(mirror.allDue(now: now, minExpiry: Self.always) ?? [])
            let queued = mirror.takeDue(now: now).filter { key in
                mirror.dueDeletion(for: key, now: now, minExpiry: Self.always) != nil
            }
            #expect(Set(queued) == swept)
            found.append(Set(mirror.allDue(now: .distantFuture, minExpiry: Self.always) ?? []))
            #expect(Set((mirror.routes() ?? []).map(\.resourceVersion)) == objects.lastRoutes(histories))
        }
        #expect(Set(found).count == 1)
    }

    private static let always: MinExpiry = { _, _ in .distantPast }

    // MARK: Removal

    @Test func aPodThatIsMadeAnewUnderItsNameEndsThePreviewsOfTheEarlierOne() {
        let mirror = objects.mirror()
        mirror.apply(.routes(.applied(objects.preview(0, pod: 0))))
        _ = mirror.takeDue(now: MirroredHistory.created)
        mirror.apply(.pods(.applied(PodRecord(identity: PodIdentity(name: "pod-0", uid: "another")))))
        #expect(mirror.takeDue(now: MirroredHistory.created) == [.route(objects.tokens[0])])
        #expect(mirror.allDue(now: MirroredHistory.created, minExpiry: Self.always) == [.route(objects.tokens[0])])
    }

    @Test func objectsAbsentFromTheNextListOrDeletedByAnEventAreGone() {
        let mirror = objects.mirror()
        let (listed, told) = (objects.preview(0, pod: 0), objects.preview(1, pod: 0))
        mirror.apply(.routes(.replaced([listed, told])))
        mirror.apply(.routes(.deleted(told.token)))
        mirror.apply(.routes(.replaced([])))
        #expect(mirror.previewCount == 0)
        #expect(mirror.end(of: told.token.fingerprint) == .seen(.distantPast))
        // The list may be older than the object.
        #expect(mirror.end(of: listed.token.fingerprint) == nil)
    }

    @Test func anObjectIsForgottenByNameWhetherOrNotItWasKnown() {
        let mirror = objects.mirror()
        mirror.apply(
            .sandboxes(.replaced([SandboxRecord(name: "a", podName: nil), SandboxRecord(name: "b", podName: "p")]))
        )
        mirror.apply(.sandboxes(.deleted("a")))
        mirror.apply(.sandboxes(.deleted("never known")))
        #expect(mirror.sandbox(named: "a") == nil)
        #expect(mirror.sandbox(named: "b")?.podName == "p")
    }

    @Test(arguments: ClusterCollection.allCases)
    func aCopyWhoseWatchIsBrokenAnswersNothing(collection: ClusterCollection) {
        let mirror = objects.mirror()
        mirror.apply(.routes(.applied(objects.preview(0, pod: 0))))
        mirror.apply(.interrupted(collection))
        #expect(!mirror.isFresh)
        let answers: [ClusterCollection: Bool] = [
            .routes: mirror.routes() != nil, .backends: mirror.allDue(now: nil, minExpiry: Self.always) != nil,
            .pods: mirror.pod(named: "pod-0") != nil, .claims: mirror.claim(named: objects.claim(0).key) != nil,
            .sandboxes: mirror.sandbox(named: "sandbox") != nil, .gateways: mirror.commonGrants() != nil,
        ]
        #expect(answers[collection] == false)
        mirror.apply(.resumed(collection))
        #expect(mirror.isFresh)
    }

    @Test func thePendingRequestsOfAllRunsAreKnownAndTheirChangesObserved() throws {
        let mirror = objects.mirror()
        let changes = SharedCount()
        let observation = mirror.observePendingRequests { changes.add() }
        let random = SeededRandom(seed: 1)
        let approval = Approval(
            id: try ApprovalRequestID.mint { random.bytes($0) },
            run: objects.runs[0],
            port: try #require(TargetPort(3000)),
            pod: "pod-0",
            podUID: "uid-of-pod-0",
            requester: "agent",
            requestedAt: MirroredHistory.created,
            window: .seconds(300)
        )
        mirror.apply(.claims(.applied(objects.claim(1))))
        #expect(changes.value == 0)
        mirror.apply(.claims(.applied(objects.claim(0, with: approval))))
        #expect(changes.value == 1)
        #expect(mirror.read { $0.cluster.pendingRequests } == [approval.run: [approval]])
        let denied = try #require(approval.after(.deny(by: "ada", reason: nil, at: MirroredHistory.created)))
        mirror.apply(.claims(.applied(objects.claim(0, with: denied))))
        #expect(changes.value == 2)
        #expect(mirror.read { $0.cluster.pendingRequests }.isEmpty)
        mirror.apply(.claims(.applied(objects.claim(0, with: approval))))
        mirror.apply(.claims(.replaced([])))
        #expect(changes.value == 4)
        #expect(mirror.read { $0.cluster.pendingRequests }.isEmpty)
        observation.cancel()
        mirror.apply(.claims(.applied(objects.claim(0, with: approval))))
        #expect(changes.value == 4)
    }

    @Test func nothingIsApprovedOnAClaimThatIsBeingDeletedAndItIsThereAllTheSame() {
        let mirror = objects.mirror()
        let claim = objects.claim(0)
        mirror.apply(.claims(.applied(RunClaim(claim.record, isBeingDeleted: true))))
        #expect(mirror.claim(named: claim.key) == nil)
        #expect(mirror.claimUIDs()?.contains(claim.record.identity.uid) == true)
        #expect(mirror.claim(ofRunNamed: claim.key)?.isBeingDeleted == true)
    }
}

/// Objects of a small cluster, and random histories of them.
private struct MirroredHistory {
    static let created = Date(timeIntervalSince1970: 1_800_000_000)

    let runs = (0..<3).map { RunID.known("\($0)f2a9c1e-0000-4000-8000-000000000001") }
    let tokens = "abcdef".compactMap { PreviewToken("swift-falcon-amber-\(String(repeating: $0, count: 26))") }

    func pod(_ number: Int) -> PodRecord {
        PodRecord(identity: PodIdentity(name: "pod-\(number)", uid: "uid-of-pod-\(number)"))
    }

    func claim(_ number: Int) -> RunClaim { claim(number, with: nil) }

    func claim(_ number: Int, with approval: Approval?) -> RunClaim {
        RunClaim(
            ClaimRecord(
                identity: ClaimIdentity(name: runs[number].claimName, uid: "uid-of-claim-\(number)"),
                writtenRun: runs[number].text,
                resourceVersion: "1",
                ledger: ApprovalLedger(
                    annotations: approval.map { [ApprovalAnnotation.approval($0.id): $0.text] } ?? [:]
                )
            )
        )
    }

    func preview(_ number: Int, pod: Int, expires: Double = 1800, version: Int = 1) -> Preview {
        let run = runs[pod % runs.count]
        let facts = PreviewAnnotations(
            expiresAt: Self.created.addingTimeInterval(expires),
            maxUntil: Self.created.addingTimeInterval(28_800),
            runID: run,
            claimUID: "uid-of-claim-\(pod % runs.count)",
            token: tokens[number],
            owner: "ada",
            pod: "pod-\(pod)",
            podUID: "uid-of-pod-\(pod)",
            targetPort: 3000,
            startedAt: Self.created
        )
        let preview = Preview(
            name: tokens[number].objectName,
            labels: PreviewLabel.labels(token: tokens[number], run: run.label),
            annotations: facts.encoded(),
            uid: "uid",
            resourceVersion: "\(number)-\(version)",
            createdAt: Self.created,
            isBeingDeleted: false
        )
        guard let preview else { preconditionFailure("not ours") }
        return preview
    }

    func backend(_ number: Int) -> PreviewBackend {
        PreviewBackend(
            token: tokens[number],
            run: nil,
            uid: "uid",
            resourceVersion: "1",
            createdAt: Self.created,
            isBeingDeleted: false
        )
    }

    /// A copy that is up to date, with all pods and claims and a Sandbox.
    func mirror() -> ClusterMirror {
        let mirror = ClusterMirror(
            policy: .testing(lifetime: LifetimePolicy(keepsAfterRun: false)),
            spread: { _ in 0 }
        )
        mirror.apply(.pods(.replaced((0..<4).map(pod))))
        mirror.apply(.claims(.replaced((0..<3).map(claim))))
        mirror.apply(.sandboxes(.replaced([SandboxRecord(name: "sandbox", podName: nil)])))
        mirror.apply(.gateways(.replaced([])))
        mirror.apply(.backends(.replaced(tokens.indices.map(backend))))
        mirror.apply(.routes(.replaced([])))
        return mirror
    }

    /// The changes of each watch, in their order.
    func histories(_ random: SeededRandom) -> [[ClusterChange]] {
        var version = 0
        let routes = history(count: tokens.count, random) { number in
            version += 1
            return preview(
                number,
                pod: Int(random.next() % 4),
                expires: Double(random.next() % 4000),
                version: version
            )
        }
        return [
            routes,
            history(count: tokens.count, random, backend),
            history(count: 4, random, pod),
            history(count: 3, random, claim),
            [.sandboxes(.replaced([]))], [.gateways(.replaced([]))],
        ]
    }

    private func history<Object: MirroredObject>(
        count: Int,
        _ random: SeededRandom,
        _ object: (Int) -> Object
    ) -> [ClusterChange] {
        func some() -> [Object] { (0..<count).filter { _ in random.next() % 2 == 0 }.map(object) }
        var changes = [Object.change(.replaced(some()))]
        for _ in 0..<12 {
            let number = Int(random.next() % UInt64(count))
            switch random.next() % 8 {
            case 0: changes += [.interrupted(Object.collection), Object.change(.replaced(some()))]
            case 1: changes += [.interrupted(Object.collection), .resumed(Object.collection)]
            case 2...4: changes.append(Object.change(.deleted(object(number).key)))
            default: changes.append(Object.change(.applied(object(number))))
            }
        }
        return changes
    }

    /// The changes of all watches, mixed.
    static func mixed(_ histories: [[ClusterChange]], _ random: SeededRandom) -> [ClusterChange] {
        var rest = histories.map { $0[...] }
        var mixed: [ClusterChange] = []
        while !rest.isEmpty {
            let number = Int(random.next() % UInt64(rest.count))
            if let change = rest[number].popFirst() { mixed.append(change) } else { rest.remove(at: number) }
        }
        return mixed
    }

    /// The versions of the routes that remain after the history of routes, which is the first one.
    func lastRoutes(_ histories: [[ClusterChange]]) -> Set<String> {
        var versions: [PreviewToken: String] = [:]
        for change in histories[0] {
            switch change {
            case .routes(.replaced(let previews)):
                versions = Dictionary(uniqueKeysWithValues: previews.map { ($0.token, $0.resourceVersion) })
            case .routes(.applied(let preview)): versions[preview.token] = preview.resourceVersion
            case .routes(.deleted(let token)): versions[token] = nil
            default: break
            }
        }
        return Set(versions.values)
    }
}
