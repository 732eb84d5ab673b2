import PreviewDomain
import TestSupport

/// The events of a simulation, generated from a seed. A failing plan is made smaller by removing events.
struct SimulationPlan: Sendable {
    struct Event: Sendable, CustomStringConvertible {
        let at: Duration
        let kind: Kind

        var description: String { "\(at.components.seconds) s: \(kind)" }
    }

    enum Kind: Sendable {
        /// An operator starts a preview and keeps it alive for a while.
        case preview(run: Int, port: Int, pings: Int, stops: Bool)
        /// An agent requests a preview, gives up after a while, and returns; possibly twice at once.
        case agent(run: Int, port: Int, pings: Int, isTwice: Bool)
        /// The run's option to approve everything is switched.
        case autoApprove(run: Int, isOn: Bool)
        case podReplaced(run: Int)
        case crash(replica: Int, away: Duration)
        case outage(Duration)
        /// One replica cannot reach the API server.
        case split(replica: Int, Duration)
        /// Some of a replica's watches deliver nothing, although they have not ended.
        case frozenWatches(replica: Int, Duration)
        /// Requests fail at random, before or after they have taken effect, or take long.
        case faults(rate: Double, Duration)
        case refusedDeletions(Duration)
    }

    var events: [Event]

    /// The time in which faults and callers begin; after that everything has time to end.
    static let length = Duration.seconds(2400)

    init(seed: UInt64) {
        let random = SeededRandom(seed: seed &* 0x9e37_79b9 &+ 77)
        func number(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        func seconds(_ range: Range<Int>) -> Duration { .seconds(range.lowerBound + number(range.count)) }
        var events: [Event] = []
        func add(_ count: Int, within range: Range<Int> = 5..<2200, _ kind: () -> Kind) {
            for _ in 0..<count { events.append(Event(at: seconds(range), kind: kind())) }
        }
        add(6 + number(6)) {
            .preview(run: number(2), port: 3000 + number(6), pings: number(60), stops: number(2) == 0)
        }
        add(5 + number(6)) {
            .agent(run: number(2), port: 3000 + number(6), pings: number(40), isTwice: number(2) == 0)
        }
        add(number(3)) { .autoApprove(run: number(2), isOn: number(2) == 0) }
        add(number(3)) { .podReplaced(run: number(2)) }
        add(number(6)) { .crash(replica: number(3), away: seconds(1..<200)) }
        add(number(4)) { .outage(seconds(1..<600)) }
        add(number(3)) { .split(replica: number(3), seconds(5..<200)) }
        add(number(4)) { .frozenWatches(replica: number(3), seconds(5..<300)) }
        add(number(6)) { .faults(rate: 0.05 + 0.25 * random.unit(), seconds(5..<120)) }
        if number(4) == 0 { add(1) { .refusedDeletions(seconds(150..<400)) } }
        self.events = events.sorted { $0.at < $1.at }
    }
}
