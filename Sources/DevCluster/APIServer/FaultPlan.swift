import Synchronization

/// The faults to inject into requests and watches, selected by rules without randomness.
package final class FaultPlan: Sendable {
    /// A request, as rules see it.
    package struct Call: Sendable, Hashable {
        /// The verb, as in ``RequestLog/Entry/verb``.
        package let verb: String
        /// The resource's plural with its subresource, or the path.
        package let resource: String
        package let name: String?
    }

    /// A fault of a request or a watch.
    package enum Fault: Sendable {
        /// Responds with this failure, without executing the request.
        case respond(StatusFailure)
        /// Executes the request, and responds with this failure.
        case executeThenRespond(StatusFailure)
        /// Neither executes the request nor responds.
        case hang
        /// Executes the request, and does not respond.
        case executeThenHang
        /// Closes the connection without executing the request.
        case drop
        /// Executes the request, and closes the connection without a response.
        case executeThenDrop
        /// Executes the request when the latch opens.
        case hold(Latch)
        /// Delays all events of a watch until the latch opens.
        case holdWatch(Latch)
        /// Ends a watch normally after some changes.
        case endWatch(afterChanges: Int)
        /// Closes a watch's connection after some changes, in the middle of the next frame.
        case breakWatch(afterChanges: Int)
        /// Ends a watch after some changes with the error 410, as if its version had expired.
        case expireWatch(afterChanges: Int)
    }

    /// A fault, and the requests to which it applies.
    package struct Rule: Sendable {
        /// The verb; any if `nil`.
        package var verb: String?
        /// The resource; any if `nil`.
        package var resource: String?
        /// The number of requests to which the rule applies; all if `nil`.
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

    /// Adds a rule. The first matching rule applies.
    package func add(_ rule: Rule) { state.withLock { $0.rules.append(rule) } }

    /// Removes all rules, and the offset of the clock.
    package func clear() { state.withLock { $0 = State() } }

    /// The time by which the server's `Date` header is ahead of its clock.
    package var clockOffset: Duration {
        get { state.withLock(\.clockOffset) }
        set { state.withLock { $0.clockOffset = newValue } }
    }

    /// The fault for a request. This counts as one use of its rule.
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
