import FoundationEssentials
import Testing

@testable import PreviewControl

@Suite("The deadline queue", .timeLimit(.minutes(10)))
struct DeadlineQueueTests {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func keysComeOutInTheOrderOfTheirDeadlines() {
        var queue = DeadlineQueue<Int>()
        for key in [5, 1, 4, 2, 3] { queue.schedule(key, at: start.addingTimeInterval(Double(key))) }
        #expect(queue.next == start.addingTimeInterval(1))
        #expect(queue.takeDue(at: start.addingTimeInterval(3)) == [1, 2, 3])
        #expect(queue.takeDue(at: start.addingTimeInterval(3)).isEmpty)
        #expect(queue.takeDue(at: .distantFuture) == [4, 5])
        #expect(queue.next == nil)
    }

    @Test func anEarlierDeadlineReplacesALaterOneAndNotTheOtherWayRound() {
        var queue = DeadlineQueue<String>()
        queue.schedule("a", at: start.addingTimeInterval(10))
        queue.schedule("a", at: start.addingTimeInterval(5))
        queue.schedule("a", at: start.addingTimeInterval(20))
        #expect(queue.takeDue(at: start.addingTimeInterval(5)) == ["a"])
        #expect(queue.takeDue(at: .distantFuture).isEmpty)
    }

    @Test func aThousandPostponementsOfOneKeyKeepOneEntry() {
        var queue = DeadlineQueue<String>()
        for second in 0..<1000 { queue.schedule("a", at: start.addingTimeInterval(Double(second))) }
        #expect(queue.takeDue(at: .distantFuture) == ["a"])
    }

    @Test func aKeyWithoutADeadlineTakesNoPlace() {
        var queue = DeadlineQueue<String>()
        queue.schedule("a", at: .distantFuture)
        queue.schedule("b", at: Date.distantFuture.addingTimeInterval(0.1))
        #expect(queue.next == nil)
        queue.schedule("a", at: start)
        queue.schedule("a", at: .distantFuture)
        #expect(queue.takeDue(at: start) == ["a"])
    }
}
