import CCurl
import HTTPTransport

/// The rules by which a request is sent again on another connection.
///
/// | event | idempotent request | other request |
/// | --- | --- | --- |
/// | the peer refused it (REFUSED_STREAM, GOAWAY before its stream), or it was not sent | sent again | sent again |
/// | the connection broke or was closed before the response began | sent again | fails |
/// | no data arrived on the connection for too long | sent again, once | keeps waiting |
///
/// libcurl does not report that a stream was refused; it has to be inferred. Of the HTTP/2 streams that end without a response,
/// failed ones leave an error text, and streams that nghttp2 closed as refused leave none. For the latter, libcurl either takes
/// another connection itself or, if the session has no other stream, fails with `CURLE_HTTP2`. Both cases were verified against
/// the audit log of an API server. The inference requires a peer that follows HTTP/2; see Docs/Decisions/0028.
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
    /// - Parameter code: The result of the attempt; `nil` if libcurl takes another connection itself.
    func hadNoEffect(_ code: CURLcode? = nil) -> Bool {
        guard let attempt, let exchange, exchange.isAwaitingHead else { return false }
        if attempt.isHTTP2, hasNoErrorText, code == nil || code == CURLE_HTTP2 { return true }
        // Nothing was sent if the head was not. Over HTTP/2 a part of the head may have been sent, but not the end of a body.
        guard requestBytes == attempt.bytesBefore else { return false }
        return exchange.plan.hasBody || exchange.plan.isPlainText
    }

    /// Whether the exchange may be sent again on another connection, and may succeed there.
    ///
    /// Idempotent requests are sent again after other HTTP/2 errors too: before version 8.1, libcurl resets every stream that
    /// it has read completely, and servers that count resets (CVE-2023-44487) close the connection after some hundred requests.
    func mayReplay(after code: CURLcode) -> Bool {
        guard code != CURLE_OK, !hasVerdict, replayCount < Self.maxReplays, let exchange, exchange.isAwaitingHead,
            // The sent part of an upload is no longer available.
            exchange.upload?.hasBegun != true
        else { return false }
        return hadNoEffect(code) || (code == CURLE_HTTP2 && exchange.plan.isReplayable)
    }

    /// Prepares the exchange for another attempt. The handle must not be in the `CURLM`.
    func prepareReplay(on pool: ConnectionPool) throws(TransportError) {
        replayCount += 1
        try beginAnew(on: pool)
    }

    /// Whether the exchange can leave its silent connection: it was not sent, or may be sent twice.
    var mayMove: Bool {
        guard let exchange, exchange.isAwaitingHead, exchange.upload?.hasBegun != true else { return false }
        return attempt == nil || (exchange.plan.isReplayable && !hasMoved)
    }

    /// Prepares the exchange for another attempt, away from a silent connection. The handle must not be in the `CURLM`.
    func prepareMove(to pool: ConnectionPool) throws(TransportError) {
        if attempt != nil { hasMoved = true }
        try beginAnew(on: pool)
    }
}
