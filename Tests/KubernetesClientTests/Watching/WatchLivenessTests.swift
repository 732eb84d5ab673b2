import KubernetesModel
import TestSupport
import Testing

@testable import KubernetesClient

@Suite("Whether a watch still delivers", .timeLimit(.minutes(10)))
struct WatchLivenessTests {
    @Test("A request to reopen a watch that is being opened is answered by that watch")
    func aWatchThatIsBeingOpenedCompletesARequestToReopenIt() async throws {
        let bookmark = JSON.frame("BOOKMARK", JSON.object("", version: 6)) + "\n"
        let fixture = try ClientFixture(
            .response(status: 200, fields: [:], body: [.pause(.seconds(1)), .chunk(bookmark), .hang])
        )
        let liveness = WatchLiveness()
        liveness.begin()
        let query = ListQuery(resource: Pod.resource, form: .metadata, namespace: "n")
        let (clock, seen) = (fixture.clock, SharedCount())
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await liveness.requestReopen() }
            await waitWhile { !liveness.isReopenRequested }
            group.addTask {
                try? await fixture.client.watch(query, "5", .seconds(300), liveness: liveness) {
                    // Long enough for every waiting task to see that there was a request.
                    for _ in 0..<1000 { await Task.yield() }
                    liveness.completeReopen(true)
                } _: { (_: WatchEvent<PartialObjectMetadata>) in
                    seen.add()
                }
                return false
            }
            #expect(await group.next() == true)
            group.addTask {
                // The sleepers are the pause, and the silence that would end the watch.
                await waitWhile { clock.sleeperCount < 2 }
                clock.advance(by: .seconds(1))
                await waitWhile { seen.value < 1 }
                return true
            }
            #expect(await group.next() == true, "the watch has ended")
            group.cancelAll()
        }
    }

    @Test("Who gives up takes the answer from nobody else")
    func cancellingOneRequestToReopenDoesNotAffectTheOthers() async {
        let liveness = WatchLiveness()
        liveness.begin()
        let patient = Task { await liveness.requestReopen() }
        await waitWhile { liveness.requesterCount < 1 }
        let impatient = Task { await liveness.requestReopen() }
        await waitWhile { liveness.requesterCount < 2 }
        impatient.cancel()
        #expect(await !impatient.value)
        #expect(liveness.isReopenRequested)
        liveness.completeReopen(true)
        #expect(await patient.value)
        let last = Task { await liveness.requestReopen() }
        await waitWhile { liveness.requesterCount < 1 }
        last.cancel()
        #expect(await !last.value)
        #expect(!liveness.isReopenRequested)
    }
}
