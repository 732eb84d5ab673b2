import FoundationEssentials
import PreviewDomain
import Testing

@testable import PreviewControl

@Suite("The timeline's backlog", .timeLimit(.minutes(10)))
struct TimelineBacklogTests {
    private func entry(_ kind: TimelineEvent.Kind, _ subject: String, claim: String = "claim-1") -> TimelineEntry {
        TimelineEntry(
            TimelineEvent(
                kind,
                run: ControlHarness.run,
                claim: ClaimIdentity(name: "agent-3f2a9c1e0000", uid: claim),
                subject: subject,
                message: "Something happened."
            ),
            at: Date(timeIntervalSince1970: 0)
        )
    }

    private func written(_ backlog: inout TimelineBacklog, at now: Duration = .zero) -> TimelineBacklog.Waiting? {
        guard case .write(let waiting) = backlog.next(at: now) else { return nil }
        return waiting
    }

    private func isKnown(_ arrival: TimelineBacklog.Arrival) -> Bool {
        if case .duplicate = arrival { true } else { false }
    }

    @Test func eventsCausedByPeopleComeFirst() {
        var backlog = TimelineBacklog()
        _ = backlog.add(entry(.reaped, "1"), at: .zero)
        _ = backlog.add(entry(.expiring, "2"), at: .zero)
        _ = backlog.add(entry(.approvalRequired, "3"), at: .zero)
        _ = backlog.add(entry(.started, "4"), at: .zero)
        var order: [String] = []
        while let waiting = written(&backlog) { order.append(waiting.entry.event.subject) }
        #expect(order == ["3", "4", "1", "2"])
    }

    /// The second report of an end adds nothing, also within one replica.
    @Test func anOccurrenceWaitsOnlyOnce() throws {
        var backlog = TimelineBacklog()
        let arrivals = [
            isKnown(backlog.add(entry(.reaped, "1"), at: .zero)),
            isKnown(backlog.add(entry(.stopped, "1"), at: .zero)),
            isKnown(backlog.add(entry(.stopped, "1", claim: "claim-2"), at: .zero)),
        ]
        #expect(arrivals == [false, true, false])
        let first = try #require(written(&backlog))
        #expect(first.entry.event.kind == .reaped)
        let whileItIsWritten = isKnown(backlog.add(entry(.reaped, "1"), at: .zero))
        let waitsAgain = backlog.requeue(first)
        let whileItWaitsAgain = isKnown(backlog.add(entry(.reaped, "1"), at: .zero))
        #expect(whileItIsWritten && waitsAgain && whileItWaitsAgain)
        backlog.remove(try #require(written(&backlog)))
        let afterwards = isKnown(backlog.add(entry(.reaped, "1"), at: .zero))
        #expect(!afterwards)
    }

    @Test func eventsCausedByTimeAreLimitedInRateAfterABurst() throws {
        var backlog = TimelineBacklog()
        let count = TimelineBacklog.bulkBurst * 3
        for number in 0..<count { _ = backlog.add(entry(.reaped, "\(number)"), at: .zero) }
        var now = Duration.seconds(1000)
        var atOnce = 0
        while written(&backlog, at: now) != nil { atOnce += 1 }
        #expect(atOnce == TimelineBacklog.bulkBurst)
        guard case .pause(let pause) = backlog.next(at: now) else { throw Unexpected() }
        #expect(pause == TimelineBacklog.bulkInterval)
        now += pause * 5
        atOnce = 0
        while written(&backlog, at: now) != nil { atOnce += 1 }
        #expect(atOnce == 5)
        // Unused time adds up to one burst at most.
        now += .seconds(100)
        atOnce = 0
        while written(&backlog, at: now) != nil { atOnce += 1 }
        #expect(atOnce == TimelineBacklog.bulkBurst)
    }

    @Test func aFullQueueLosesItsOldestEntryAndTheOtherQueueNothing() throws {
        var backlog = TimelineBacklog()
        _ = backlog.add(entry(.started, "person"), at: .zero)
        for number in 0..<TimelineBacklog.bulkCapacity { _ = backlog.add(entry(.reaped, "\(number)"), at: .zero) }
        guard case .displaced(let oldest) = backlog.add(entry(.reaped, "one more"), at: .zero) else {
            throw Unexpected()
        }
        #expect(oldest.entry.event.subject == "0")
        let left = [backlog.takeFirst(), backlog.takeFirst()].map { $0?.entry.event.subject }
        #expect(left == ["person", "1"])
    }

    private struct Unexpected: Error {}
}
