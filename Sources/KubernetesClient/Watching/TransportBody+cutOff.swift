import HTTPTransport
import Synchronization

extension TransportBody {
    /// Hands `handle` this body, which ends early when nothing has arrived for `limit` while it was waited for, and when
    /// somebody asks `liveness`.
    ///
    /// What cuts the body off waits beside it for as long as it lasts, so that a chunk costs neither a task nor a timer.
    func withCutOff(
        afterSilenceOf limit: Duration,
        or liveness: WatchLiveness? = nil,
        on clock: any Clock<Duration>,
        _ handle: @Sendable (TransportBody) async throws -> Void
    ) async throws {
        let silence = Silence(clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await silence.untilItLasts(limit)
                end()
            }
            if let liveness {
                group.addTask {
                    await liveness.untilAsked()
                    end()
                }
            }
            defer { group.cancelAll() }
            let chunks = makeAsyncIterator()
            try await handle(
                TransportBody {
                    silence.begin()
                    defer { silence.end() }
                    return try await chunks.next()
                } stopReceiving: {
                    end()
                }
            )
        }
    }
}

/// How long a body has been waited for.
private final class Silence: Sendable {
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    /// When the waiting began; `nil` while nobody waits.
    private let beginning = Mutex<Duration?>(nil)

    init(clock: any Clock<Duration>) {
        self.clock = clock
        elapsed = clock.stopwatch()
    }

    func begin() {
        let now = elapsed()
        beginning.withLock { $0 = now }
    }

    func end() { beginning.withLock { $0 = nil } }

    /// Returns when it has lasted for `limit`.
    func untilItLasts(_ limit: Duration) async throws {
        while true {
            let now = elapsed()
            let rest = limit - (now - (beginning.withLock { $0 } ?? now))
            guard rest > .zero else { return }
            try await clock.sleep(for: rest)
        }
    }
}
