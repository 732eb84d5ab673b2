internal import DequeModule

/// What was read and answered so far on a connection: a pure state machine.
struct MessageFlow {
    /// What to do with a part of a request.
    enum Inbound: Hashable {
        case forward
        case discard
        /// More came than is worth discarding.
        case close
    }

    /// What to do once a part of a response was written.
    enum Outbound: Hashable {
        case carryOn
        /// It was the last: nothing more is read or sent.
        case finish
    }

    private enum Phase: Hashable {
        case open
        /// The answer under way is the last.
        case closingAfterAnswer
        /// The last answer was sent; what still comes in is discarded.
        case lingering
    }

    private let maxBodyBytes: Int
    private let maxLingeringBytes: Int
    private var phase = Phase.open
    /// The requests that wait for their answer, in the order in which they came: whether each is a `HEAD`.
    private var unanswered: Deque<Bool> = []
    /// A request's head was read, its end was not.
    private(set) var isReading = false
    /// A response's head was sent, its end was not.
    private(set) var isAnswering = false
    private var bodyBytes = 0
    private var discardedBytes = 0

    init(maxBodyBytes: Int, maxLingeringBytes: Int) {
        self.maxBodyBytes = maxBodyBytes
        self.maxLingeringBytes = maxLingeringBytes
    }

    /// True while a request is read or answered.
    var isBusy: Bool { isReading || hasUnanswered }

    /// True while an answer is due.
    var hasUnanswered: Bool { !unanswered.isEmpty }

    /// True while the answer that is due next, or under way, is one to a `HEAD`: it has no body (RFC 9110, 9.3.2).
    var answersHEAD: Bool { unanswered.first ?? false }

    /// True while the answer that is due next is to the newest request, so that ending the connection after it loses none.
    var answersNewest: Bool { unanswered.count <= 1 }

    /// True while no answer is due but to the request that is being read, if any: an answer that is made up here
    /// would be taken for it.
    var mayAnswerOutOfTurn: Bool { phase == .open && unanswered.count <= (isReading ? 1 : 0) && !isAnswering }

    var isLingering: Bool { phase == .lingering }

    /// True once the body is known to be longer than is accepted.
    var isTooLarge: Bool { bodyBytes > maxBodyBytes }

    /// - Parameters:
    ///   - declaredBytes: The body's length, if the request says so.
    ///   - isHEAD: True if its answer has no body.
    mutating func headArrived(declaredBytes: Int?, isHEAD: Bool = false) -> Inbound {
        guard phase != .lingering else { return .discard }
        unanswered.append(isHEAD)
        isReading = true
        bodyBytes = 0
        if let declaredBytes, declaredBytes > maxBodyBytes { bodyBytes = declaredBytes }
        return .forward
    }

    /// The part that crosses the limit is still forwarded, so that whoever reads the body learns of it.
    mutating func bodyArrived(byteCount: Int) -> Inbound {
        if phase == .lingering {
            discardedBytes += byteCount
            return discardedBytes > maxLingeringBytes ? .close : .discard
        }
        // Once it was answered nobody reads it, and the answer has had its time to arrive.
        if isTooLarge { return hasUnanswered ? .discard : .close }
        bodyBytes += byteCount
        return .forward
    }

    mutating func endArrived() -> Inbound {
        isReading = false
        return phase == .lingering ? .discard : .forward
    }

    /// - Returns: True if the response has to say that it is the last.
    mutating func responseHeadSent() -> Bool {
        isAnswering = true
        // Only the newest request can still be arriving.
        if isReading, isTooLarge, unanswered.count == 1 { phase = .closingAfterAnswer }
        return phase == .closingAfterAnswer
    }

    mutating func responseEndSent() -> Outbound {
        isAnswering = false
        _ = unanswered.popFirst()
        let isCutShort = isReading && isTooLarge && !hasUnanswered
        guard phase == .closingAfterAnswer || isCutShort else { return .carryOn }
        phase = .lingering
        isReading = false
        return .finish
    }

    /// An answer was sent that no handler made; it is the last.
    mutating func answeredOutOfTurn() {
        phase = .lingering
        unanswered.removeAll()
        isReading = false
    }

    /// The server stops: the answer under way is the last.
    mutating func stop() {
        if phase == .open { phase = .closingAfterAnswer }
    }
}
