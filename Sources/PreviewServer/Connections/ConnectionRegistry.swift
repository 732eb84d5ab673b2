internal import DequeModule
internal import Metrics
internal import NIOCore
internal import PreviewControl
internal import Synchronization

/// All open connections of a server, the idle ones in the order in which they became idle.
///
/// A full server that only stops accepting can be blocked by clients that open connections and send nothing. This one
/// closes the connection that was without a request for the longest time.
final class ConnectionRegistry: Sendable {
    private struct Entry {
        let channel: any Channel
        /// The position among the idle ones; `nil` while a request is served.
        var idleMark: UInt64?
    }

    private struct State {
        var open: [ObjectIdentifier: Entry] = [:]
        /// Also contains obsolete marks; they are skipped, and removed when they outnumber the others.
        var idle: Deque<(id: ObjectIdentifier, mark: UInt64)> = []
        var lastMark: UInt64 = 0

        mutating func markIdle(_ id: ObjectIdentifier) {
            lastMark += 1
            open[id]?.idleMark = lastMark
            idle.append((id, lastMark))
            if idle.count > 2 * open.count + State.minStaleMarks {
                idle = Deque(idle.filter { open[$0.id]?.idleMark == $0.mark })
            }
        }

        mutating func removeLongestIdle() -> (any Channel)? {
            while let (id, mark) = idle.popFirst() {
                if let entry = open[id], entry.idleMark == mark {
                    open[id] = nil
                    return entry.channel
                }
            }
            return nil
        }

        private static let minStaleMarks = 64
    }

    private let maxConnections: Int
    /// Created at the start, so that the first closed connection increases a counter that was scraped before.
    private let closed: [ClosingReason: Counter]
    private let state = Mutex(State())

    /// - Parameter metrics: Counts closed connections.
    init(maxConnections: Int, metrics: any MetricsFactory = MetricsSystem.factory) {
        self.maxConnections = maxConnections
        closed = Dictionary(
            uniqueKeysWithValues: ClosingReason.allCases.map { reason in
                let dimensions = [("reason", reason.rawValue)]
                let label = PreviewMetric.connectionsClosed.rawValue
                return (reason, Counter(label: label, dimensions: dimensions, factory: metrics))
            }
        )
    }

    /// The reason why this server closed a connection.
    enum ClosingReason: String, CaseIterable {
        /// It was closed to make room for another.
        case evicted
        /// There was no room for it.
        case refused
        case timedOut = "timed_out"
    }

    func countClosed(_ reason: ClosingReason) {
        closed[reason]?.increment()
    }

    /// The number of open connections.
    var count: Int { state.withLock { $0.open.count } }

    /// The number of marks, including obsolete ones.
    var rememberedMarkCount: Int { state.withLock { $0.idle.count } }

    /// The result of adding a connection.
    enum Admission {
        case admitted
        /// Another connection, without a request, has to be closed for it.
        case admittedInsteadOf(any Channel)
        /// All connections serve requests.
        case refused
    }

    func admit(_ channel: any Channel) -> Admission {
        state.withLock { state in
            let id = ObjectIdentifier(channel)
            var evicted: (any Channel)?
            if state.open.count >= maxConnections {
                guard let longestIdle = state.removeLongestIdle() else { return .refused }
                evicted = longestIdle
            }
            state.open[id] = Entry(channel: channel)
            state.markIdle(id)
            return evicted.map { .admittedInsteadOf($0) } ?? .admitted
        }
    }

    func becameBusy(_ channel: any Channel) {
        state.withLock { $0.open[ObjectIdentifier(channel)]?.idleMark = nil }
    }

    func becameIdle(_ channel: any Channel) {
        state.withLock { state in
            let id = ObjectIdentifier(channel)
            if state.open[id] != nil { state.markIdle(id) }
        }
    }

    func remove(_ channel: any Channel) {
        state.withLock { $0.open[ObjectIdentifier(channel)] = nil }
    }
}
