import HTTPTransport
import Testing

@testable import KubernetesClient

@Suite("InformerMachine", .timeLimit(.minutes(10)))
struct InformerMachineTests {
    private static let broken = KubernetesError(.transport(.protocolViolation), "scripted")
    private static let gone = KubernetesError(.gone, statusCode: 410)

    private func watching(from version: String = "5") -> InformerMachine {
        var machine = InformerMachine()
        _ = machine.listed(version)
        _ = machine.opened()
        return machine
    }

    @Test("A list leads to a watch from its version")
    func aListLeadsToAWatchFromItsVersion() {
        var machine = InformerMachine()
        #expect(machine.state == .listing)
        #expect(machine.listed("5") == .watch(from: "5"))
        #expect(machine.state == .opening(from: "5"))
        #expect(machine.opened() == false)
        #expect(machine.state == .watching(from: "5"))
    }

    @Test("A watch that ends after its lifetime continues from the last version, without an interruption")
    func anEndedWatchContinuesFromTheLastVersion() {
        var machine = watching()
        machine.received("8")
        let next = machine.watchEnded(after: .seconds(300), jitter: 0.5)
        #expect(next == .init(step: .watch(from: "8"), pause: .zero, announcesInterruption: false))
    }

    @Test("If a server ends every watch at once, the pauses between the attempts grow")
    func watchesThatEndAtOnceAreReopenedWithGrowingPauses() {
        var machine = watching()
        var pauses: [Duration] = []
        for _ in 0..<12 {
            pauses.append(machine.watchEnded(after: .zero, jitter: 0).pause)
            _ = machine.opened()
        }
        #expect(pauses[0] > .zero)
        #expect(zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(pauses.last == InformerMachine.maxBackoff / 2)
    }

    @Test("After 410 the version is never used again")
    func after410TheMostRecentListIsRead() {
        var machine = watching()
        let first = machine.failed(Self.gone, jitter: 0.5)
        #expect(first == .init(step: .list, pause: .zero, announcesInterruption: true))
        _ = machine.listed("9")
        let second = machine.failed(Self.gone, jitter: 0.5)
        #expect(second.step == .list)
        #expect(second.pause > .zero, "a list that leads to 410 at once must not become a loop")
    }

    @Test("A list that fails after 410 is repeated, and a missing kind of object leads to a list")
    func after410TheMostRecentListIsReadUntilOneSucceeds() {
        var machine = watching()
        _ = machine.failed(Self.gone, jitter: 0.5)
        #expect(machine.failed(Self.broken, jitter: 0.5).step == .list)
        _ = machine.listed("9")
        let missing = KubernetesError(.notFound(.group), statusCode: 404)
        #expect(machine.failed(missing, jitter: 0.5).step == .list)
    }

    @Test("A frame that cannot be decoded leads to a list, after a pause")
    func anUndecodableFrameLeadsToAListAfterAPause() {
        var machine = watching()
        let next = machine.failed(KubernetesError(.decoding, "scripted"), jitter: 0)
        #expect(next.step == .list && next.announcesInterruption)
        #expect(next.pause == InformerMachine.initialBackoff / 2)
        #expect(machine.listed("9") == .watch(from: "9"))
    }

    @Test("Any other failure keeps the version and is reported once; the next open watch resumes")
    func anyOtherFailureKeepsTheVersionAndIsReportedOnce() {
        var machine = watching()
        machine.received("8")
        let first = machine.failed(Self.broken, jitter: 0.5)
        let second = machine.failed(Self.broken, jitter: 0.5)
        #expect(first.step == .watch(from: "8") && first.announcesInterruption)
        #expect(second.step == .watch(from: "8") && !second.announcesInterruption)
        #expect(second.pause > first.pause)
        #expect(machine.opened() == true)
        #expect(machine.opened() == false)
        machine.received("9")
        #expect(machine.failures == 0)
    }

    @Test("Watches that fail after they have worked are opened again without growing pauses; others are not")
    func watchesThatWorkedAreReopenedWithoutGrowingPauses() {
        func pauses(after lifetime: Duration, opens: Bool = true) -> [Duration] {
            var machine = watching()
            return (0..<10).map { _ in
                let pause = machine.failed(Self.broken, after: lifetime, jitter: 0).pause
                if opens { _ = machine.opened() }
                return pause
            }
        }
        #expect(pauses(after: .seconds(35)).allSatisfy { $0 == InformerMachine.initialBackoff / 2 })
        #expect(pauses(after: .seconds(1)).last == InformerMachine.maxBackoff / 2)
        #expect(pauses(after: .seconds(35), opens: false).last == InformerMachine.maxBackoff / 2)
    }

    @Test("A failed list is repeated, and a list ends an interruption")
    func aFailedListIsRepeatedAndAListEndsAnInterruption() {
        var machine = InformerMachine()
        let next = machine.failed(Self.broken, jitter: 0.5)
        #expect(next.step == .list && next.announcesInterruption)
        _ = machine.listed("1")
        #expect(machine.opened() == false, "the list said it all")
    }

    @Test("Retry-After is obeyed up to a limit")
    func retryAfterIsObeyedUpToALimit() {
        var machine = watching()
        let asked = KubernetesError(.unavailable, statusCode: 503, retryAfter: .seconds(10))
        #expect(machine.failed(asked, jitter: 0.5).pause == .seconds(10))
        let absurd = KubernetesError(.unavailable, statusCode: 503, retryAfter: .seconds(3600))
        #expect(machine.failed(absurd, jitter: 0.5).pause == InformerMachine.maxBackoff)
    }
}
