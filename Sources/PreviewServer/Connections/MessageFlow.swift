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
    /// A request that waits for its answer.
    private struct Exchange: Hashable {
        let isHEAD: Bool
        let isPassedOn: Bool
    }

    /// The requests that wait for their answer, in the order in which they came.
    private var unanswered: Deque<Exchange> = []
    /// A request's head was read, its end was not.
    private(set) var isReading = false
    /// A response's head was sent, its end was not.
    private(set) var isAnswering = false
    /// Whether the request that is being read is passed on: its body may be as long as it likes.
    private var readsPassedOn = false
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
    var answersHEAD: Bool { unanswered.first?.isHEAD ?? false }

    /// True while the answer that is due next, or under way, is somebody else's that is passed on.
    var answersPassedOn: Bool { unanswered.first?.isPassedOn ?? false }

    /// True while the body of a request arrives that is passed on.
    var isReadingPassedOn: Bool { isReading && readsPassedOn }

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
    ///   - isPassedOn: True if somebody else answers it.
    mutating func headArrived(declaredBytes: Int?, isHEAD: Bool = false, isPassedOn: Bool = false) -> Inbound {
        guard phase != .lingering else { return .discard }
        unanswered.append(Exchange(isHEAD: isHEAD, isPassedOn: isPassedOn))
        isReading = true
        readsPassedOn = isPassedOn
        bodyBytes = 0
        if !isPassedOn, let declaredBytes, declaredBytes > maxBodyBytes { bodyBytes = declaredBytes }
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
        if !readsPassedOn { bodyBytes += byteCount }
        return .forward
    }

    mutating func endArrived() -> Inbound {
        isReading = false
        return phase == .lingering ? .discard : .forward
    }

    /// - Parameter isError: True if the response refuses the request (4xx, 5xx).
    /// - Returns: True if the response has to say that it is the last.
    mutating func responseHeadSent(isError: Bool = false) -> Bool {
        isAnswering = true
        // Only the newest request can still be arriving. The rest of a body is not passed on after a refusal.
        if isReading, unanswered.count == 1, isTooLarge || (readsPassedOn && isError) { phase = .closingAfterAnswer }
        return phase == .closingAfterAnswer
    }

    mutating func responseEndSent() -> Outbound {
        isAnswering = false
        _ = unanswered.popFirst()
        // Nobody reads the rest of a body that was to be passed on and is answered.
        let isCutShort = isReading && (isTooLarge || readsPassedOn) && !hasUnanswered
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
