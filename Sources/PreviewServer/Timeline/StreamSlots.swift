internal import HTTPTypes
internal import PreviewControl
internal import PreviewDomain
internal import Synchronization

/// Limits how many streams are open: each holds a connection of its caller's and a watch of the API server's.
final class StreamSlots: Sendable {
    /// For one run: a few people with a few pages each.
    static let maxPerRun = 8
    /// For this replica.
    static let maxInAll = 128
    /// What `Retry-After` says when there are more.
    private static let retryDelay = Duration.seconds(10)

    private let counts = Mutex<[RunID: Int]>([:])

    /// The right to one stream, for as long as somebody holds it.
    final class Slot: Sendable {
        private let run: RunID
        private let slots: StreamSlots

        fileprivate init(run: RunID, slots: StreamSlots) {
            self.run = run
            self.slots = slots
        }

        deinit { slots.giveBack(run) }
    }

    /// How many streams are open.
    var count: Int { counts.withLock { $0.values.reduce(0, +) } }

    /// - Throws: An ``APIError`` with status 429 when there are too many.
    func take(for run: RunID) throws -> Slot {
        let refusal = counts.withLock { counts -> String? in
            guard counts.values.reduce(0, +) < Self.maxInAll else {
                return "This replica serves \(Self.maxInAll) event streams, as many as it may. Try again shortly."
            }
            guard counts[run, default: 0] < Self.maxPerRun else {
                return "This run has \(Self.maxPerRun) open event streams, as many as it may. Close one of them."
            }
            counts[run, default: 0] += 1
            return nil
        }
        if let refusal { throw APIError(.tooManyRequests, refusal, retryAfter: Self.retryDelay) }
        return Slot(run: run, slots: self)
    }

    private func giveBack(_ run: RunID) {
        counts.withLock { counts in
            let left = counts[run, default: 0] - 1
            counts[run] = left > 0 ? left : nil
        }
    }
}
