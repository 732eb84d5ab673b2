import CCurl
import HTTPTransport

/// The rules by which a request is sent again on another connection.
///
/// | what happened | may be repeated | every other |
/// | --- | --- | --- |
/// | the peer refused it (REFUSED_STREAM, GOAWAY before its stream), or it was not sent | sent again | sent again |
/// | the connection broke or was closed before the response began | sent again | fails |
/// | no data arrived on the connection for too long | sent again, once | keeps waiting |
///
/// A request that may have had an effect counts as sent until its exchange is over, whatever becomes of the further attempts.
///
/// libcurl knows that a stream was refused and tells it only by what it does. Of the HTTP/2 streams that end without an answer,
/// those that failed leave an error text, and those that nghttp2 closed as refused do not: libcurl then either takes
/// another connection by itself, or, when nothing else is left of the session, fails with `CURLE_HTTP2`. Both were compared
/// with the audit log of an API server. It presupposes a peer that speaks HTTP/2 by the rules, and has exceptions; see
/// Docs/Decisions/0028.
extension EasyHandle {
    /// One attempt to send a request.
    struct Attempt {
        let isHTTP2: Bool
        /// The number of bytes of request heads that libcurl had sent for the exchange before.
        let bytesBefore: Int
    }

    /// The maximum number of times that an exchange is restarted before it fails. libcurl itself takes up to five more
    /// connections each time.
    static let maxReplays = 3

    /// The number of bytes of request heads that libcurl has sent for the exchange.
    var requestBytes: Int {
        var count = 0
        _ = ccurl_get_long(raw, CURLINFO_REQUEST_SIZE, &count)
        return count
    }

    /// Whether the peer has certainly not processed the last attempt, which ended without a response.
    ///
    /// - Parameter code: How it ended; `nil` where libcurl takes another connection by itself.
    func attemptHadNoEffect(_ code: CURLcode? = nil) -> Bool {
        guard let attempt, let exchange, exchange.isAwaitingHead else { return false }
        if attempt.isHTTP2, hasNoErrorText, code == nil || code == CURLE_HTTP2 { return true }
        // Nothing was sent if the head was not. Over HTTP/2 a part of the head may have been sent, but not the end of a body.
        guard requestBytes == attempt.bytesBefore else { return false }
        return exchange.plan.hasBody || exchange.plan.isPlainText
    }

    /// Whether the exchange may be sent again on another connection, and may succeed there.
    ///
    /// That a request that may be repeated is allowed one is of use beyond refusals: libcurl before 8.1 resets every stream that
    /// it has read to the end, and servers that count resets (CVE-2023-44487) close the connection after some hundred requests.
    func mayReplay(after code: CURLcode) -> Bool {
        guard code != CURLE_OK, !hasCallbackError, replayCount < Self.maxReplays, let exchange, exchange.isAwaitingHead
        else { return false }
        return attemptHadNoEffect(code) || (code == CURLE_HTTP2 && exchange.plan.isReplayable)
    }

    /// Prepares the exchange to begin anew. The handle must be out of libcurl's hands.
    ///
    /// - Parameter code: How the last attempt ended.
    func prepareReplay(after code: CURLcode, on pool: ConnectionPool) throws(TransportError) {
        if !attemptHadNoEffect(code) { earlierAttemptMayHaveHadEffect = true }
        replayCount += 1
        try beginAnew(on: pool)
    }

    /// Whether the exchange can leave its silent connection: it was not sent, or may be sent twice.
    var mayMove: Bool {
        guard let exchange, exchange.isAwaitingHead else { return false }
        return attempt == nil || (exchange.plan.isReplayable && !hasMoved)
    }

    /// Prepares the exchange for another attempt, away from a silent connection. The handle must not be in the `CURLM`.
    func prepareMove(to pool: ConnectionPool) throws(TransportError) {
        if attempt != nil {
            hasMoved = true
            earlierAttemptMayHaveHadEffect = true
        }
        try beginAnew(on: pool)
    }
}
