import Synchronization

/// What goes wrong on the way between a client and the API server, by rule and without chance.
package final class FaultPlan: Sendable {
    /// A request, as rules see it.
    package struct Call: Sendable, Hashable {
        /// As in ``RequestLog/Entry/verb``.
        package let verb: String
        /// The resource's plural with its subresource, or the path.
        package let resource: String
        package let namespace: String?
        package let name: String?
        package let user: String
        /// The body of the request.
        package let body: [UInt8]
    }

    package enum Fault: Sendable {
        /// Answers this, without acting.
        case answer(StatusFailure)
        /// Acts, and answers this nevertheless.
        case actThenAnswer(StatusFailure)
        /// Never answers, nor acts.
        case hang
        /// Acts, and never answers.
        case actThenHang
        /// Closes the connection without acting.
        case drop
        /// Acts, and closes the connection without an answer.
        case actThenDrop
        /// Acts once the gate opens.
        case hold(Gate)
        /// A watch delivers nothing before the gate opens: it lags behind.
        case holdWatch(Gate)
        /// A watch ends in good order after some changes.
        case endWatch(afterChanges: Int)
        /// A watch's connection breaks after some changes, in the middle of the next frame.
        case breakWatch(afterChanges: Int)
        /// A watch says after some changes that its version has expired (410).
        case expireWatch(afterChanges: Int)
    }

    /// Which requests a fault befalls.
    package struct Rule: Sendable {
        /// `nil` for any.
        package var verb: String?
        /// `nil` for any.
        package var resource: String?
        /// How many requests it befalls; `nil` for all.
        package var times: Int?
        package var fault: Fault
        package var matches: @Sendable (Call) -> Bool

        package init(
            verb: String? = nil,
            resource: String? = nil,
            times: Int? = 1,
            fault: Fault,
            where matches: @escaping @Sendable (Call) -> Bool = { _ in true }
        ) {
            self.verb = verb
            self.resource = resource
            self.times = times
            self.fault = fault
            self.matches = matches
        }
    }

    private struct State {
        var rules: [Rule] = []
        var clockOffset = Duration.zero
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds a rule behind the others; of several that match a request the first counts.
    package func add(_ rule: Rule) { state.withLock { $0.rules.append(rule) } }

    /// Removes every rule and the clock's offset.
    package func clear() { state.withLock { $0 = State() } }

    /// By how much the server's `Date` header is ahead of its clock.
    package var clockOffset: Duration {
        get { state.withLock(\.clockOffset) }
        set { state.withLock { $0.clockOffset = newValue } }
    }

    /// The fault for a request, which uses up one of its rule's times.
    func fault(for call: Call) -> Fault? {
        state.withLock { state in
            let index = state.rules.firstIndex { rule in
                rule.times != 0 && (rule.verb == nil || rule.verb == call.verb)
                    && (rule.resource == nil || rule.resource == call.resource) && rule.matches(call)
            }
            guard let index else { return nil }
            if let times = state.rules[index].times { state.rules[index].times = times - 1 }
            return state.rules[index].fault
        }
    }
}
