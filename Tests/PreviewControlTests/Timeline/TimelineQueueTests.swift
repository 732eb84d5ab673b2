import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("The timeline's queue", .timeLimit(.minutes(10)))
struct TimelineQueueTests {
    private let cluster = SimulatedCluster()
    private let clock = ManualClock()
    private let log = SimulatedTimelineLog()

    private func queue(
        to sink: SimulatedTimelineLog? = nil,
        next: TimelineQueue? = nil,
        jitter: Double = 1
    ) -> TimelineQueue {
        TimelineQueue(
            name: "test",
            sink: sink ?? log,
            next: next,
            clusterTime: cluster,
            wallClock: { Date(timeIntervalSince1970: 1) },
            time: MonotonicTime(clock),
            jitter: { jitter },
            logger: .silent
        )
    }

    private func event(
        _ subject: Int,
        _ kind: TimelineEvent.Kind = .started,
        of run: RunID = ControlHarness.run
    ) -> TimelineEvent {
        TimelineEvent(
            kind,
            run: run,
            claim: ClaimIdentity(name: "agent-3f2a9c1e0000", uid: "claim-1"),
            subject: "\(subject)",
            message: "Something happened to a preview."
        )
    }

    private func subjects(_ log: SimulatedTimelineLog) -> [String] { log.entries.map(\.event.subject) }

    /// Runs `queues` while `work` runs, and cancels them afterwards.
    private func running(_ queues: TimelineQueue..., work: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for queue in queues { group.addTask { try await queue.run() } }
            try await work()
            group.cancelAll()
        }
    }

    private static let temporary = TimelineFailure(isTemporary: true, "the API server answered 503")

    // MARK: Order and time

    @Test func recordingNeverWaitsAndTheOrderIsKept() async throws {
        let queue = queue()
        log.block()
        try await running(queue) {
            for subject in 1...5 { queue.record(event(subject)) }
            await waitUntil { log.attempts == 1 }
            #expect(log.entries.isEmpty)
            log.unblock()
            await waitUntil { log.entries.count == 5 }
            #expect(subjects(log) == ["1", "2", "3", "4", "5"])
        }
    }

    @Test func anEntryHasTheClustersTimeOfItsRecordingOrElseThisReplicasOwn() async throws {
        let queue = queue()
        queue.record(event(1))
        let recorded = cluster.now
        cluster.advance(by: .seconds(60))
        cluster.makeTimeUnknown()
        queue.record(event(2))
        try await running(queue) {
            await waitUntil { log.entries.count == 2 }
            #expect(log.entries.map(\.time) == [recorded, Date(timeIntervalSince1970: 1)])
        }
    }

    // MARK: Failures

    @Test func aTemporaryFailureIsRetriedWithGrowingPausesAndDelaysTheRunsOtherEntries() async throws {
        let queue = queue()
        log.fail(Self.temporary, Self.temporary, Self.temporary)
        try await running(queue) {
            queue.record(event(1))
            queue.record(event(2))
            var attempts = 1
            for pause in [200, 400, 800] {
                await clock.waitForSleepers(1)
                #expect(log.attempts == attempts)
                clock.advance(by: .milliseconds(pause - 1))
                #expect(clock.sleeperCount == 1)
                clock.advance(by: .milliseconds(1))
                attempts += 1
            }
            await waitUntil { log.entries.count == 2 }
            #expect(subjects(log) == ["1", "2"])
            #expect(queue.droppedCount == 0)
        }
    }

    @Test func aRunThatAlwaysFailsDelaysNoOther() async throws {
        let other = try RunID("7d0c5f5e-0b6c-4a51-9d0a-2f5b3c1a9e42")
        let queue = queue()
        let failure = TimelineFailure(isTemporary: true, "the core API answered 500", retryAfter: .seconds(20))
        log.fail(ControlHarness.run, with: failure)
        try await running(queue) {
            for subject in 1...2 { queue.record(event(subject)) }
            queue.record(event(3, of: other))
            await waitUntil { log.entries.count == 1 }
            // An entry that comes while the queue waits for the next attempt is written at once.
            await clock.waitForSleepers(1)
            queue.record(event(4, of: other))
            await waitUntil { log.entries.count == 2 }
            #expect(log.attempts == 3)
            log.fail(ControlHarness.run, with: nil)
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(20))
            await waitUntil { log.entries.count == 4 }
            #expect(subjects(log) == ["3", "4", "1", "2"])
        }
    }

    @Test func aSinkMayAskForALongerPauseWithinBounds() async throws {
        let queue = queue()
        log.fail(TimelineFailure(isTemporary: true, "busy", retryAfter: .seconds(100_000)))
        try await running(queue) {
            queue.record(event(1))
            await clock.waitForSleepers(1)
            clock.advance(by: TimelineBacklog.longestPause - .milliseconds(1))
            #expect(clock.sleeperCount == 1)
            clock.advance(by: .milliseconds(1))
            await waitUntil { log.entries.count == 1 }
        }
    }

    @Test func aPermanentlyRefusedEntryIsDroppedAndDelaysNoOther() async throws {
        let queue = queue()
        log.fail(TimelineFailure(isTemporary: false, "the API server answered 403"))
        try await running(queue) {
            queue.record(event(1))
            queue.record(event(2))
            await waitUntil { log.entries.count == 1 }
            #expect(subjects(log) == ["2"])
            #expect(queue.droppedCount == 1)
        }
    }

    @Test func aFullQueueDropsItsOldestEntry() async throws {
        let queue = queue()
        for subject in 1...TimelineBacklog.userCapacity + 3 { queue.record(event(subject)) }
        #expect(queue.droppedCount == 3)
        try await running(queue) {
            await waitUntil { log.entries.count == TimelineBacklog.userCapacity }
            #expect(subjects(log).first == "4")
            #expect(subjects(log).last == "\(TimelineBacklog.userCapacity + 3)")
        }
    }

    @Test func thousandsOfEndsAreWrittenAtALimitedRateAndDelayNoOtherEvent() async throws {
        let queue = queue()
        let ends = TimelineBacklog.bulkBurst + 2
        for subject in 1...ends { queue.record(event(subject, .reaped)) }
        try await running(queue) {
            await clock.waitForSleepers(1)
            #expect(log.entries.count == TimelineBacklog.bulkBurst)
            queue.record(event(0, .approvalRequired))
            await waitUntil { log.entries.count == TimelineBacklog.bulkBurst + 1 }
            #expect(log.entries.last?.event.kind == .approvalRequired)
            for _ in 1...2 {
                await clock.waitForSleepers(1)
                clock.advance(by: TimelineBacklog.bulkInterval)
            }
            await waitUntil { log.entries.count == ends + 1 }
            #expect(queue.droppedCount == 0)
        }
    }

    @Test func aStoppingServiceWritesWithoutRateLimit() async throws {
        let queue = queue()
        try await withService(queue) {
            for subject in 1...TimelineBacklog.bulkBurst * 2 { queue.record(event(subject, .reaped)) }
            await clock.waitForSleepers(1)
        }
        #expect(log.entries.count == TimelineBacklog.bulkBurst * 2)
    }

    @Test func anEntryThatWaitsTooLongIsDropped() async throws {
        let queue = queue()
        queue.record(event(1))
        clock.advance(by: TimelineQueue.maxAge)
        queue.record(event(2))
        log.fail(Self.temporary)
        try await running(queue) {
            await clock.waitForSleepers(1)
            #expect(queue.droppedCount == 1)
            clock.advance(by: TimelineBacklog.firstPause)
            await waitUntil { log.entries.count == 1 }
            #expect(subjects(log) == ["2"])
        }
    }

    // MARK: Copies

    @Test func twoReplicasWriteTheSameOccurrenceOnceAndCopyItOnce() async throws {
        let copy = SimulatedTimelineLog()
        let copies = [queue(to: copy), queue(to: copy)]
        let replicas = copies.map { queue(next: $0) }
        try await running(replicas[0], replicas[1], copies[0], copies[1]) {
            for replica in replicas { replica.record(event(1)) }
            await waitUntil { log.attempts == 2 && copy.entries.count == 1 }
            for replica in replicas { replica.record(event(2)) }
            await waitUntil { log.attempts == 4 && copy.entries.count == 2 }
            #expect(copy.attempts == 2)
            #expect(subjects(log) == ["1", "2"])
        }
    }

    @Test func anEntryWhoseWritingGotNoAnswerIsCopiedAllTheSame() async throws {
        let copy = SimulatedTimelineLog()
        let copies = queue(to: copy)
        let queue = queue(next: copies)
        // The first attempt took effect, and its response was lost.
        _ = try await log.write(TimelineEntry(event(1), at: cluster.now))
        log.fail(Self.temporary)
        try await running(queue, copies) {
            queue.record(event(1))
            await clock.waitForSleepers(1)
            clock.advance(by: TimelineBacklog.firstPause)
            await waitUntil { copy.entries.count == 1 }
            #expect(log.entries.count == 1)
        }
    }

    @Test func anEntryThatCannotBeWrittenIsStillCopied() async throws {
        let copy = SimulatedTimelineLog()
        let copies = queue(to: copy)
        let queue = queue(next: copies)
        log.fail(TimelineFailure(isTemporary: false, "the API server answered 403"))
        try await running(queue, copies) {
            queue.record(event(1))
            await waitUntil { copy.entries.count == 1 }
            #expect(log.entries.isEmpty)
        }
    }

    // MARK: The end of the service

    @Test func aServiceThatStopsWritesWhatWaits() async throws {
        let queue = queue()
        log.fail(Self.temporary)
        try await withService(queue) {
            for subject in 1...3 { queue.record(event(subject)) }
            // The queue waits before it tries again, and ends that wait once the service stops.
            await clock.waitForSleepers(1)
        }
        #expect(subjects(log) == ["1", "2", "3"])
        #expect(queue.droppedCount == 0)
    }

    @Test func aSinkThatDoesNotAnswerHoldsUpAServiceThatStopsForAFewSecondsOnly() async throws {
        let queue = queue()
        log.block()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withService(queue) {
                    queue.record(event(1))
                    await waitUntil { log.attempts == 1 }
                }
            }
            // The attempt that the shutdown interrupted, and one more for each entry.
            await waitUntil { log.attempts == 2 }
            await clock.waitForSleepers(1)
            clock.advance(by: TimelineQueue.drainTimeout)
            try await group.waitForAll()
        }
        #expect(log.entries.isEmpty)
        #expect(queue.droppedCount == 1)
    }

    @Test func aServiceThatStopsGivesUpAtTheFirstFailure() async throws {
        let queue = queue()
        try await withService(queue) {
            queue.record(event(1))
            queue.record(event(2))
            await waitUntil { log.entries.count == 2 }
            log.fail(Self.temporary, Self.temporary)
            queue.record(event(3))
            queue.record(event(4))
            await clock.waitForSleepers(1)
        }
        #expect(subjects(log) == ["1", "2"])
        #expect(queue.droppedCount == 2)
    }
}
