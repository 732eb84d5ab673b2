import DevCluster
import Synchronization
import Testing

@Suite("Work in the background", .timeLimit(.minutes(10)))
struct BackgroundTests {
    private func forever() async throws {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }

    @Test func theWorkEndsWithTheBody() async throws {
        let hasEnded = Mutex(false)
        let result = try await withBackground("work") {
            try await forever()
            hasEnded.withLock { $0 = true }
        } body: {
            42
        }
        #expect(result == 42)
        #expect(hasEnded.withLock { $0 })
    }

    @Test func aFailureOfTheWorkEndsTheBody() async {
        await #expect(throws: DevClusterFailure("broken")) {
            try await withBackground("work") {
                throw DevClusterFailure("broken")
            } body: {
                try await forever()
            }
        }
    }

    @Test func anEarlyEndOfTheWorkIsAFailureThatNamesIt() async {
        await #expect(throws: DevClusterFailure("work ended unexpectedly")) {
            try await withBackground("work") {
            } body: {
                try await forever()
            }
        }
    }

    @Test func anErrorOfTheBodyIsThrown() async {
        await #expect(throws: DevClusterFailure("body")) {
            try await withBackground("work") {
                try await forever()
            } body: {
                throw DevClusterFailure("body")
            }
        }
    }
}
