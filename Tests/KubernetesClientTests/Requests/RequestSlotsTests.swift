import Synchronization
import TestSupport
import Testing

@testable import KubernetesClient

@Suite("RequestSlots", .timeLimit(.minutes(10)))
struct RequestSlotsTests {
    @Test("Slots are assigned in the order of arrival")
    func slotsAreAssignedInTheOrderOfArrival() async throws {
        let slots = RequestSlots(count: 1, maxWaiting: 10)
        let clock = ManualClock()
        let entered = Mutex<[Int]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<5 {
                group.addTask { @Sendable in
                    try await slots.withSlot {
                        entered.withLock { $0.append(index) }
                        try await clock.sleep(for: .seconds(1))
                    }
                }
                await clock.waitForSleepers(1)
                await waitWhile { slots.waitingCount < index }
            }
            for _ in 0..<5 {
                await clock.waitForSleepers(1)
                clock.advance(by: .seconds(1))
            }
            try await group.waitForAll()
        }
        #expect(entered.withLock { $0 } == [0, 1, 2, 3, 4])
    }

    @Test("A cancelled waiter leaves the queue, and no slot is lost", arguments: 0..<20)
    func aCancelledWaiterLeavesTheQueueAndNoSlotIsLost(seed: Int) async throws {
        let slots = RequestSlots(count: 2, maxWaiting: 100)
        let random = SeededRandom(seed: UInt64(seed))
        let inside = Mutex(0)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<30 {
                let isShort = random.unit() < 0.5
                group.addTask { @Sendable in
                    await withTaskGroup(of: Void.self) { inner in
                        inner.addTask { @Sendable in
                            try? await slots.withSlot {
                                let now = inside.withLock {
                                    $0 += 1
                                    return $0
                                }
                                #expect(now <= 2)
                                for _ in 0..<5 { await Task.yield() }
                                inside.withLock { $0 -= 1 }
                            }
                        }
                        if isShort {
                            await Task.yield()
                            inner.cancelAll()
                        }
                    }
                }
            }
        }
        #expect(slots.waitingCount == 0)
        let first = try await slots.withFreeSlot {
            try await slots.withFreeSlot { try await slots.withFreeSlot { true } == nil }
        }
        #expect(first == .some(.some(true)), "both slots are free again, and there are only two")
    }

    @Test("Too many waiters are refused at once")
    func tooManyWaitersAreRefusedAtOnce() async throws {
        let slots = RequestSlots(count: 1, maxWaiting: 0)
        let error = await #expect(throws: KubernetesError.self) {
            try await slots.withSlot { try await slots.withSlot {} }
        }
        #expect(error?.kind == .tooManyRequests)
    }
}
