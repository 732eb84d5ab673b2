import Foundation
import Synchronization
import TestPeers
import TestSupport

/// Sends requests when they are due, whether or not earlier ones were answered: callers arrive independently of each
/// other, so that a slow server gets no fewer requests.
final class OpenLoop: Sendable {
    /// The outcome of the requests of one phase.
    struct Outcome: Sendable {
        /// The seconds from the instant at which each answered request was due.
        var latencies: [Double] = []
        /// The number of requests refused with 429 or 503 and a `Retry-After`.
        var shed = 0
        /// Requests that failed in any other way: the response does not say what to do.
        var untold: [String: Int] = [:]
        /// The number of requests not sent, because this program had too many open.
        var unsent = 0

        var sentCount: Int { latencies.count + shed + untold.values.reduce(0, +) }
    }

    /// The largest number of open requests: fewer than the service's own limit of connections.
    private static let mostUnderWay = 2_000

    private struct State {
        var idle: [PersistentConnection] = []
        var underWay = 0
        var outcome = Outcome()
    }

    private let port: Int
    private let state = Mutex(State())

    init(port: Int) { self.port = port }

    /// Sends requests for this long, at instants of a Poisson process, and waits for all responses.
    ///
    /// - Parameters:
    ///   - rate: The average number of requests per second.
    ///   - random: Determines the instants, so that a seed gives the same arrivals.
    ///   - request: Creates the next request, and the action for its response if that is 200.
    func run(
        rate: Double,
        for duration: Duration,
        random: SeededRandom,
        _ request: @escaping @Sendable () -> (text: String, answered: @Sendable (String) async -> Void)
    ) async throws -> Outcome {
        state.withLock { $0.outcome = Outcome() }
        let clock = ContinuousClock()
        let begun = clock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            var due = Duration.zero
            while true {
                due += .seconds(-log1p(-random.unit()) / rate)
                guard due < duration else { break }
                if begun + due > clock.now { try await Task.sleep(until: begun + due, tolerance: .zero, clock: clock) }
                let maySend = state.withLock { state in
                    guard state.underWay < Self.mostUnderWay else {
                        state.outcome.unsent += 1
                        return false
                    }
                    state.underWay += 1
                    return true
                }
                guard maySend else { continue }
                let (next, instant) = (request(), begun + due)
                group.addTask { await self.send(next.text, due: instant, clock, next.answered) }
            }
            try await group.waitForAll()
        }
        return state.withLock(\.outcome)
    }

    /// Sends one request and waits for its response.
    ///
    /// - Returns: The status, and the seconds that it took; `nil` if the connection was lost.
    func probe(_ request: String) async -> (status: Int, seconds: Double)? {
        let begun = ContinuousClock.now
        guard let answer = try? await exchange(request) else { return nil }
        return (answer.status, begun.duration(to: .now).seconds)
    }

    private func send(
        _ request: String,
        due: ContinuousClock.Instant,
        _ clock: ContinuousClock,
        _ answered: @Sendable (String) async -> Void
    ) async {
        var body: String?
        do {
            let answer = try await exchange(request)
            let seconds = due.duration(to: clock.now).seconds
            state.withLock { state in
                switch answer.status {
                case 200: state.outcome.latencies.append(seconds)
                case 429 where answer.retryAfter != nil, 503 where answer.retryAfter != nil: state.outcome.shed += 1
                default: state.outcome.untold["status \(answer.status)", default: 0] += 1
                }
            }
            if answer.status == 200 { body = answer.body }
        } catch {
            state.withLock { $0.outcome.untold["\(type(of: error))", default: 0] += 1 }
        }
        state.withLock { $0.underWay -= 1 }
        if let body { await answered(body) }
    }

    func exchange(_ request: String) async throws -> PersistentConnection.Response {
        let kept = state.withLock { state in
            while let connection = state.idle.popLast() { if connection.isOpen { return Optional(connection) } }
            return nil
        }
        let connection: PersistentConnection
        if let kept { connection = kept } else { connection = try await PersistentConnection.open(to: port) }
        let answer = try await connection.exchange(request)
        if answer.isKept { state.withLock { $0.idle.append(connection) } } else { connection.close() }
        return answer
    }
}
