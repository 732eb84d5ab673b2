import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Observers of runs", .timeLimit(.minutes(1)))
struct TimelineBroadcastTests {
    private let run: RunID
    private let other: RunID

    init() throws {
        run = try RunID("run-1")
        other = try RunID("run-2")
    }

    private func event(_ run: RunID, _ subject: String) -> TimelineEvent {
        let claim = ClaimIdentity(name: run.claimName, uid: "claim")
        return TimelineEvent(.started, run: run, claim: claim, subject: subject, message: "It was started.")
    }

    @Test func anObserverIsNotifiedOfItsRunUntilItCancels() {
        let log = RecordingTimeline()
        let broadcast = TimelineBroadcast(to: log)
        let told = Mutex<[String]>([])
        let observation = broadcast.observe(run) { event in told.withLock { $0.append(event.subject) } }
        broadcast.record(event(run, "a"))
        broadcast.record(event(other, "b"))
        broadcast.record(event(run, "c"))
        observation.cancel()
        broadcast.record(event(run, "d"))
        #expect(told.withLock { $0 } == ["a", "c"])
        #expect(log.events.map(\.subject) == ["a", "b", "c", "d"])
    }

    @Test func anObserverOfAClaimIsNotifiedOnceItIsKnownAndOfEachChange() {
        let mirror = ClusterMirror(policy: .testing())
        let changes = Mutex(0)
        let observation = mirror.observe(claimsNamed: run.claimNames) { changes.withLock { $0 += 1 } }
        #expect(changes.withLock { $0 } == 0)
        mirror.apply(.claims(.replaced([])))
        #expect(changes.withLock { $0 } == 1)
        let late = mirror.observe(claimsNamed: run.claimNames) { changes.withLock { $0 += 10 } }
        #expect(changes.withLock { $0 } == 11)
        late.cancel()
        observation.cancel()
        mirror.apply(.claims(.replaced([])))
        #expect(changes.withLock { $0 } == 11)
    }
}
