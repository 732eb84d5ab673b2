internal import DequeModule

/// Tracks what was read and answered on a connection: a pure state machine.
struct MessageFlow {
    /// What to do with a part of a request.
    enum Inbound: Hashable {
        case forward
        case discard
        /// More bytes arrived than are discarded.
        case close
    }

    /// What to do once a part of a response was written.
    enum Outbound: Hashable {
        case keepOpen
        /// It was the last one: nothing more is read or sent.
        case finish
    }

    private enum Phase: Hashable {
        case open
        /// The response in progress is the last one.
        case closingAfterResponse
        /// The last response was sent; everything that still arrives is discarded.
        case lingering
    }

    private let maxBodyBytes: Int
    private let maxLingeringBytes: Int
    private var phase = Phase.open
    /// A request that waits for its response.
    private struct Exchange: Hashable {
        let isHEAD: Bool
        let isForwarded: Bool
    }

    /// The requests that wait for their responses, in order of arrival.
    private var unanswered: Deque<Exchange> = []
    /// A request's head was read, its end was not.
    private(set) var isReading = false
    /// A response's head was sent, its end was not.
    private(set) var isResponding = false
    /// Whether the request that is being read is forwarded: the length of its body is not limited.
    private var readsForwardedRequest = false
    private var bodyBytes = 0
    private var discardedBytes = 0

    init(maxBodyBytes: Int, maxLingeringBytes: Int) {
        self.maxBodyBytes = maxBodyBytes
        self.maxLingeringBytes = maxLingeringBytes
    }

    /// True while a request is being read or answered.
    var isBusy: Bool { isReading || hasUnanswered }

    /// True while a response is pending.
    var hasUnanswered: Bool { !unanswered.isEmpty }

    /// True while the next or current response is one to a `HEAD`: it has no body (RFC 9110, 9.3.2).
    var nextResponseIsToHEAD: Bool { unanswered.first?.isHEAD ?? false }

    /// True while the next or current response is forwarded from the core API.
    var nextResponseIsForwarded: Bool { unanswered.first?.isForwarded ?? false }

    /// True while the body of a forwarded request arrives.
    var isReadingForwardedRequest: Bool { isReading && readsForwardedRequest }

    /// True while the next response is to the newest request, so that closing the connection after it loses none.
    var nextResponseIsToNewestRequest: Bool { unanswered.count <= 1 }

    /// True while no response is pending except to the request that is being read, if any: a response that is generated
    /// here would be taken for it.
    var mayRespondOutOfTurn: Bool { phase != .lingering && unanswered.count <= (isReading ? 1 : 0) && !isResponding }

    var isLingering: Bool { phase == .lingering }

    /// True once the body is known to exceed the limit.
    var isTooLarge: Bool { bodyBytes > maxBodyBytes }

    /// - Parameters:
    ///   - declaredBytes: The length of the body, if the request declares it.
    ///   - isHEAD: True if its response has no body.
    ///   - isForwarded: True if it is forwarded.
    mutating func headArrived(declaredBytes: Int?, isHEAD: Bool = false, isForwarded: Bool = false) -> Inbound {
        guard phase != .lingering else { return .discard }
        unanswered.append(Exchange(isHEAD: isHEAD, isForwarded: isForwarded))
        isReading = true
        readsForwardedRequest = isForwarded
        bodyBytes = 0
        if !isForwarded, let declaredBytes, declaredBytes > maxBodyBytes { bodyBytes = declaredBytes }
        return .forward
    }

    /// The part that exceeds the limit is still forwarded, so that the reader of the body notices it.
    mutating func bodyArrived(byteCount: Int) -> Inbound {
        if phase == .lingering {
            discardedBytes += byteCount
            return discardedBytes > maxLingeringBytes ? .close : .discard
        }
        // After the response the body is not read any more, and there was time for the response to arrive.
        if isTooLarge { return hasUnanswered ? .discard : .close }
        if !readsForwardedRequest { bodyBytes += byteCount }
        return .forward
    }

    mutating func endArrived() -> Inbound {
        isReading = false
        return phase == .lingering ? .discard : .forward
    }

    /// - Parameter isError: True if the response refuses the request (4xx, 5xx).
    /// - Returns: True if the response has to say that it is the last one.
    mutating func responseHeadSent(isError: Bool = false) -> Bool {
        isResponding = true
        // Only the newest request can still be arriving. The rest of a body is not forwarded after a refusal.
        if isReading, unanswered.count == 1, isTooLarge || (readsForwardedRequest && isError) {
            phase = .closingAfterResponse
        }
        return phase == .closingAfterResponse
    }

    mutating func responseEndSent() -> Outbound {
        isResponding = false
        _ = unanswered.popFirst()
        // The rest of the body of a forwarded request is not read after its response.
        let isCutShort = isReading && (isTooLarge || readsForwardedRequest) && !hasUnanswered
        guard phase == .closingAfterResponse || isCutShort else { return .keepOpen }
        phase = .lingering
        isReading = false
        return .finish
    }

    /// A response was sent that no handler created; it is the last one.
    mutating func respondedOutOfTurn() {
        phase = .lingering
        unanswered.removeAll()
        isReading = false
    }

    /// The server shuts down, or the client cannot keep the connection: the next response to end is the last one.
    mutating func stop() {
        if phase == .open { phase = .closingAfterResponse }
    }
}
