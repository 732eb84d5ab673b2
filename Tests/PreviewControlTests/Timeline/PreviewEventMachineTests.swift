import Basics
import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// An event machine that follows a copy of the cluster, as in a ``ClusterMirror``.
private struct FollowingChronicle {
    private var cluster: MirrorState
    private var machine: PreviewEventMachine

    init(policy: PreviewPolicy) {
        cluster = MirrorState(followsClaims: !policy.lifetime.keepsAfterRun)
        machine = PreviewEventMachine(policy: policy)
    }

    var next: Date? { machine.next }

    mutating func apply(_ change: ClusterChange, now: Date?) { machine.follow(cluster.apply(change), now: now) }

    mutating func takeDue(at now: Date) -> [TimelineEvent] { machine.takeDue(at: now, cluster) }
}

@Suite("Events about previews from the watches", .timeLimit(.minutes(10)))
struct PreviewEventMachineTests {
    private static let created = Date(timeIntervalSince1970: 1_800_000_000)
    private static let pod = PodIdentity(name: "pod-1", uid: "pod-uid")
    private static let claim = ClaimIdentity(name: ControlHarness.run.claimName, uid: "claim-uid")

    private static let record = ClaimRecord(
        identity: claim,
        writtenRun: nil,
        resourceVersion: "1",
        ledger: ApprovalLedger(annotations: [:])
    )

    private static func token(_ letter: Character = "a") -> PreviewToken {
        guard let token = PreviewToken("swift-falcon-amber-\(String(repeating: letter, count: 26))") else {
            preconditionFailure("no token")
        }
        return token
    }

    /// A preview that expires and ends this many seconds after its creation.
    private static func preview(
        _ token: PreviewToken = token(),
        expires: Double = 1800,
        ends: Double = 28_800,
        isBeingDeleted: Bool = false,
        change: (inout [String: String]) -> Void = { _ in }
    ) -> Preview {
        let facts = PreviewAnnotations(
            expiresAt: created.addingTimeInterval(expires),
            maxUntil: created.addingTimeInterval(ends),
            runID: ControlHarness.run,
            claimUID: claim.uid,
            token: token,
            owner: "ada",
            pod: pod.name,
            podUID: pod.uid,
            targetPort: 3000,
            startedAt: created
        )
        var annotations = facts.encoded()
        change(&annotations)
        let preview = Preview(
            name: token.objectName,
            labels: PreviewLabel.labels(token: token, run: ControlHarness.run.label),
            annotations: annotations,
            uid: "uid",
            resourceVersion: "1",
            createdAt: created,
            isBeingDeleted: isBeingDeleted
        )
        guard let preview else { preconditionFailure("not ours") }
        return preview
    }

    private static func at(_ seconds: Double) -> Date { created.addingTimeInterval(seconds) }

    /// A machine that knows one preview, its pod and its claim.
    private static func machine(
        _ preview: Preview = preview(),
        policy: PreviewPolicy = .testing()
    ) -> FollowingChronicle {
        var machine = FollowingChronicle(policy: policy)
        machine.apply(.pods(.replaced([PodRecord(identity: pod)])), now: created)
        machine.apply(.claims(.replaced([RunClaim(record)])), now: created)
        machine.apply(.routes(.replaced([preview])), now: created)
        return machine
    }

    private static func policy(idle: Duration, cap: Duration = .seconds(28_800)) -> PreviewPolicy {
        var policy = PreviewPolicy.testing()
        policy.lifetime = LifetimePolicy(idleTimeout: idle, maxLifetime: cap)
        return policy
    }

    // MARK: Announced ends

    @Test func aPreviewIsAnnouncedToEndFiveMinutesBeforeAndOnlyOnce() {
        var machine = Self.machine()
        #expect(machine.takeDue(at: Self.at(1499)).isEmpty)
        #expect(machine.next == Self.at(1500))
        let events = machine.takeDue(at: Self.at(1500))
        #expect(events.map(\.kind) == [.expiring])
        #expect(events.first?.details["expiresAt"] == RFC3339.string(Self.at(1800)))
        #expect(events.first?.details["extendable"] == "true")
        #expect(
            events.first?.message.contains(
                "POST /api/runs/\(ControlHarness.run)/sandbox/preview/{session_id}/keepalive"
            )
                == true
        )
        // A gateway's status update, and a list after a broken watch, contain nothing new.
        machine.apply(.routes(.applied(Self.preview())), now: Self.at(1501))
        machine.apply(.routes(.replaced([Self.preview()])), now: Self.at(1502))
        #expect(machine.takeDue(at: Self.at(1600)).isEmpty)
    }

    @Test func aKeepaliveMovesTheAnnouncementAndTheNextOneIsAnother() {
        var machine = Self.machine()
        machine.apply(.routes(.applied(Self.preview(expires: 2400))), now: Self.at(600))
        #expect(machine.takeDue(at: Self.at(1500)).isEmpty)
        let first = machine.takeDue(at: Self.at(2100))
        machine.apply(.routes(.applied(Self.preview(expires: 4200))), now: Self.at(2200))
        #expect(machine.takeDue(at: Self.at(2300)).isEmpty)
        let second = machine.takeDue(at: Self.at(3900))
        #expect([first.count, second.count] == [1, 1])
        #expect(first.first?.id != second.first?.id)
    }

    @Test func theLongestLifetimeIsAnnouncedAsWhatCannotBeExtended() {
        var machine = Self.machine(Self.preview(expires: 28_800))
        let events = machine.takeDue(at: Self.at(28_500))
        #expect(events.first?.details["extendable"] == "false")
        #expect(events.first?.message.contains("cannot be extended") == true)
    }

    @Test func twoReplicasAnnounceTheSame() {
        var one = Self.machine()
        var other = Self.machine()
        #expect(one.takeDue(at: Self.at(1500)).map(\.id) == other.takeDue(at: Self.at(1650)).map(\.id))
    }

    @Test func shortLivesAreAnnouncedAtHalfTimeAndVeryShortOnesNotAtAll() {
        var short = Self.machine(Self.preview(expires: 360), policy: Self.policy(idle: .seconds(360)))
        #expect(short.takeDue(at: Self.at(179)).isEmpty)
        #expect(short.takeDue(at: Self.at(180)).map(\.kind) == [.expiring])
        var capped = Self.machine(
            Self.preview(expires: 120, ends: 120),
            policy: Self.policy(idle: .seconds(1800), cap: .seconds(120))
        )
        #expect(capped.takeDue(at: Self.at(60)).map(\.kind) == [.expiring])
        var tiny = Self.machine(Self.preview(expires: 59), policy: Self.policy(idle: .seconds(59)))
        #expect(tiny.takeDue(at: Self.at(58)).isEmpty)
    }

    @Test func whatIsOverdueOrBeingDeletedOrNeverEndsIsNotAnnounced() {
        var overdue = Self.machine()
        #expect(overdue.takeDue(at: Self.at(1800)).isEmpty)
        var dying = Self.machine(Self.preview(isBeingDeleted: true))
        #expect(dying.takeDue(at: Self.at(1600)).isEmpty)
        var off = PreviewPolicy.testing()
        off.isEnabled = false
        var resting = Self.machine(policy: off)
        #expect(resting.takeDue(at: Self.at(1600)).isEmpty)
    }

    // MARK: Observed ends

    private static func events(
        afterDeletionAt seconds: Double,
        of preview: Preview = preview(),
        policy: PreviewPolicy = .testing(),
        before: (inout FollowingChronicle) -> Void = { _ in }
    ) -> [TimelineEvent] {
        var machine = machine(preview, policy: policy)
        before(&machine)
        machine.apply(.routes(.deleted(preview.token)), now: at(seconds))
        let early = machine.takeDue(at: at(seconds + 2.9))
        #expect(!early.contains { $0.kind != .expiring })
        #expect(machine.next == at(seconds + 3))
        return machine.takeDue(at: at(seconds + 3))
    }

    @Test func aPreviewThatDisappearsWithItsPodWasReapedForIt() {
        let events = Self.events(afterDeletionAt: 100) { $0.apply(.pods(.deleted(Self.pod.name)), now: Self.at(100)) }
        #expect(events.map(\.kind) == [.reaped])
        #expect(events.first?.details["reason"] == "pod-gone")
        #expect(events.first?.claim == Self.claim)
    }

    @Test func aPreviewThatFinalizersDelayedWasReapedForItsPod() {
        let events = Self.events(afterDeletionAt: 100, of: Self.preview(isBeingDeleted: true)) {
            $0.apply(.pods(.deleted(Self.pod.name)), now: Self.at(100))
        }
        #expect(events.first?.details["reason"] == "pod-gone")
    }

    @Test(arguments: [
        (1800.0, 1800.0, 28_800.0, "idle"), (28_800, 28_800, 28_800, "hard-cap"), (28_801, 30_000, 28_800, "hard-cap"),
    ])
    func aPreviewThatDisappearsAfterItsTimeWasReapedForItsAge(
        seconds: Double,
        expires: Double,
        ends: Double,
        reason: String
    ) {
        let events = Self.events(afterDeletionAt: seconds, of: Self.preview(expires: expires, ends: ends))
        #expect(events.map(\.kind) == [.reaped])
        #expect(events.first?.details["reason"] == reason)
    }

    @Test func aPreviewThatDisappearsWithItsRunWasReapedForItWherePreviewsAreNotKept() {
        var policy = PreviewPolicy.testing()
        policy.lifetime = LifetimePolicy(keepsAfterRun: false)
        let end: (inout FollowingChronicle) -> Void = {
            $0.apply(.claims(.deleted(Self.claim.name)), now: Self.at(100))
        }
        #expect(
            Self.events(afterDeletionAt: 100, policy: policy, before: end).first?.details["reason"] == "claim-gone"
        )
        #expect(Self.events(afterDeletionAt: 100, before: end).map(\.kind) == [.stopped])
    }

    @Test func aPreviewThatDisappearsWithoutAReasonWasDeletedManually() {
        let events = Self.events(afterDeletionAt: 100)
        #expect(events.map(\.kind) == [.stopped])
        #expect(events.first?.details["reason"] == "deleted")
    }

    @Test func whatAPodsBrokenWatchDoesNotShowIsNotGone() {
        let events = Self.events(afterDeletionAt: 100) {
            $0.apply(.pods(.deleted(Self.pod.name)), now: Self.at(100))
            $0.apply(.interrupted(.pods), now: Self.at(100))
        }
        #expect(events.map(\.kind) == [.stopped])
    }

    @Test func aWithdrawnStartIsNotRecordedAsAnEnd() {
        #expect(Self.events(afterDeletionAt: 14).isEmpty)
    }

    @Test func anEndThatWasMissedIsSeenInTheNextList() {
        var machine = Self.machine()
        machine.apply(.interrupted(.routes), now: Self.at(100))
        machine.apply(.routes(.replaced([])), now: Self.at(200))
        #expect(machine.takeDue(at: Self.at(203)).map(\.kind) == [.stopped])
    }

    @Test func anEndSeenWhileTheTimeIsUnknownIsRecordedOnceItIsKnown() {
        var machine = Self.machine()
        machine.apply(.routes(.deleted(Self.token())), now: nil)
        #expect(machine.takeDue(at: Self.at(2000)).map { $0.details["reason"] } == ["idle"])
    }

    @Test func previewsOfTheEarlierServiceAreNotRecorded() {
        let legacy = Self.preview {
            $0[PreviewAnnotations.Key.runID] = nil
            $0[PreviewAnnotations.Key.claimUID] = nil
        }
        var machine = Self.machine(legacy)
        #expect(machine.takeDue(at: Self.at(1500)).isEmpty)
        machine.apply(.routes(.deleted(legacy.token)), now: Self.at(1600))
        #expect(machine.takeDue(at: Self.at(1700)).isEmpty)
    }
}
