import CCurl
import HTTPTransport

/// A reusable `CURL` handle, with the state that its callbacks need. Only the thread of its ``CurlLoop`` uses it.
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    /// The exchange in progress; `nil` while the handle is idle.
    private(set) var exchange: Exchange?

    /// The pool from which the handle gets its connections. It is kept between exchanges.
    private(set) var pool: ConnectionPool?
    /// Whether the pool counts the handle's exchange.
    private var isOnPool = false
    /// The connection on which the request was sent; `nil` before.
    private(set) var connection: Connection?

    private unowned let loop: CurlLoop
    private let errorText: UnsafeMutablePointer<CChar>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectToList: UnsafeMutablePointer<curl_slist>?
    private var parser = ResponseHeadParser()
    /// The last attempt to send the request. libcurl may take another connection if one breaks.
    private(set) var attempt: Attempt?
    /// Whether the peer may have acted on the request on an attempt before the last one.
    var earlierAttemptMayHaveHadEffect = false
    /// The number of times that the exchange was restarted on another connection.
    var replayCount = 0
    /// Whether the exchange has left a silent connection.
    var hasMoved = false
    /// Whether libcurl has stopped reading because the reader is behind.
    private var isPaused = false
    /// The error for which a callback ended the transfer.
    private var callbackError: TransportError?

    /// Creates an idle handle, and sets the options that are the same for all requests.
    init(for loop: CurlLoop) throws(TransportError) {
        guard let raw = curl_easy_init() else { throw .refusedOption }
        self.raw = raw
        self.loop = loop
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        try setUp(loop.configuration, mode: loop.mode)
    }

    deinit {
        // This also releases the pool.
        curl_easy_cleanup(raw)
        curl_slist_free_all(headerList)
        curl_slist_free_all(connectToList)
        errorText.deallocate()
    }

    // MARK: One exchange

    /// Prepares the handle for `exchange`, on a connection of `pool`.
    func attach(_ exchange: Exchange, _ pool: ConnectionPool) throws(TransportError) {
        self.exchange = exchange
        earlierAttemptMayHaveHadEffect = false
        replayCount = 0
        hasMoved = false
        callbackError = nil
        try setUp(exchange.plan, mode: loop.mode)
        try begin(on: pool)
    }

    /// Resets the state of the last attempt. The options of the exchange stay as they are.
    private func begin(on pool: ConnectionPool) throws(TransportError) {
        parser = ResponseHeadParser()
        errorText[0] = 0
        releaseConnection()
        if pool !== self.pool { try set(pool) }
        isOnPool = true
        pool.transferCount += 1
    }

    /// Like ``begin(on:)``, after an attempt.
    func beginAnew(on pool: ConnectionPool) throws(TransportError) {
        endAttempt()
        try begin(on: pool)
    }

    private func set(_ pool: ConnectionPool?) throws(TransportError) {
        try check(ccurl_set_pointer(raw, CURLOPT_SHARE, pool?.raw))
        self.pool = pool
    }

    /// Releases the pool. The handle must be idle.
    func releasePool() {
        guard pool != nil else { return }
        try? set(nil)
    }

    private func releaseConnection(timedOut: Bool = false) {
        attempt = nil
        guard let connection else { return }
        if isPaused { connection.pausedCount -= 1 }
        isPaused = false
        self.connection = nil
        loop.requestEnded(on: connection, timedOut: timedOut)
    }

    /// Releases the exchange and its state.
    ///
    /// - Parameter timedOut: Whether the exchange timed out before the response was complete.
    func detach(timedOut: Bool = false) {
        if case .body = exchange?.plan.framing {
            _ = ccurl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, nil)
        }
        endAttempt(timedOut: timedOut)
        exchange = nil
    }

    private func endAttempt(timedOut: Bool = false) {
        releaseConnection(timedOut: timedOut)
        guard isOnPool else { return }
        isOnPool = false
        pool?.transferCount -= 1
    }

    /// Continues to read, because the reader has caught up.
    func unpause() -> CURLcode {
        if isPaused {
            isPaused = false
            connection?.pausedCount -= 1
            connection?.received(at: loop.now)
        }
        return curl_easy_pause(raw, CURLPAUSE_CONT)
    }

    /// Whether a callback has already determined the error of the exchange.
    var hasCallbackError: Bool { callbackError != nil }

    /// Whether the request went out, so that the peer may have acted on it.
    var mayHaveHadEffect: Bool { attempt != nil || earlierAttemptMayHaveHadEffect }

    /// Whether libcurl has left no error text.
    var hasNoErrorText: Bool { errorText[0] == 0 }

    /// Whether the connection multiplexes requests; `nil` if there was no response.
    var isMultiplexed: Bool? {
        var version = 0
        guard ccurl_get_long(raw, CURLINFO_HTTP_VERSION, &version) == CURLE_OK, version != 0 else { return nil }
        return version >= Int(CURL_HTTP_VERSION_2_0)
    }

    /// The result of the exchange for its caller.
    func result(of code: CURLcode) -> Result<Void, TransportError> {
        if let callbackError { return .failure(callbackError) }
        guard code != CURLE_OK else { return .success(()) }
        if attemptHadNoEffect(code), !earlierAttemptMayHaveHadEffect {
            return .failure(TransportError(.refused, "the request was refused, or not sent, on several connections"))
        }
        var verifyResult = 0
        _ = ccurl_get_long(raw, CURLINFO_SSL_VERIFYRESULT, &verifyResult)
        return .failure(
            TransportError(
                code,
                mayHaveHadEffect: mayHaveHadEffect,
                detail: String(cString: errorText),
                verifyResult: verifyResult,
                hiding: exchange?.plan.privateNames ?? []
            )
        )
    }

    // MARK: Options

    func set(_ option: CURLoption, _ value: Int) throws(TransportError) {
        try check(ccurl_set_long(raw, option, value))
    }

    func set(_ option: CURLoption, _ value: String?) throws(TransportError) {
        try check(ccurl_set_string(raw, option, value))
    }

    func set(_ option: CURLoption, blob bytes: [UInt8]) throws(TransportError) {
        try check(bytes.withUnsafeBytes { ccurl_set_blob(raw, option, $0.baseAddress, $0.count) })
    }

    func setBody(_ bytes: [UInt8]) throws(TransportError) {
        try check(ccurl_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(bytes.count)))
        try check(
            bytes.withUnsafeBytes { buffer in
                // libcurl copies the announced number of bytes. An empty array has no address, but the option requires one.
                withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { empty in
                    let address = buffer.baseAddress ?? UnsafeRawPointer(empty.baseAddress)
                    return ccurl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: address))
                }
            }
        )
    }

    func setHeader(_ lines: [String]) throws(TransportError) {
        let list = try Self.list(of: lines)
        try check(ccurl_set_list(raw, CURLOPT_HTTPHEADER, list))
        curl_slist_free_all(headerList)
        headerList = list
    }

    func setConnectTo(_ entry: String?) throws(TransportError) {
        guard entry != nil || connectToList != nil else { return }
        let list = try entry.map { entry throws(TransportError) in try Self.list(of: [entry]) }
        try check(ccurl_set_list(raw, CURLOPT_CONNECT_TO, list ?? nil))
        curl_slist_free_all(connectToList)
        connectToList = list ?? nil
    }

    func setCallbacks() throws(TransportError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try check(ccurl_set_pointer(raw, CURLOPT_PRIVATE, context))
        try check(ccurl_set_pointer(raw, CURLOPT_ERRORBUFFER, errorText))
        try check(ccurl_set_pointer(raw, CURLOPT_SOCKOPTDATA, context))
        try check(
            ccurl_set_socket_callback(raw) { context, socket, _ in
                EasyHandle.from(context)?.willConnect(socket)
                return CURL_SOCKOPT_OK
            }
        )
        try check(ccurl_set_pointer(raw, CURLOPT_HEADERDATA, context))
        try check(
            ccurl_set_write_callback(raw, CURLOPT_HEADERFUNCTION) { bytes, _, count, context in
                EasyHandle.from(context)?.headerLineArrived(UnsafeRawBufferPointer(start: bytes, count: count)) ?? 0
            }
        )
        try check(ccurl_set_pointer(raw, CURLOPT_WRITEDATA, context))
        try check(
            ccurl_set_write_callback(raw, CURLOPT_WRITEFUNCTION) { bytes, _, count, context in
                EasyHandle.from(context)?.chunkArrived(UnsafeRawBufferPointer(start: bytes, count: count)) ?? 0
            }
        )
        try check(ccurl_set_pointer(raw, CURLOPT_PREREQDATA, context))
        try check(
            ccurl_set_prereq_callback(raw) { context, _, _, _, localPort in
                EasyHandle.from(context)?.willSend(from: localPort) ?? CURL_PREREQFUNC_ABORT
            }
        )
    }

    /// The handle to which `CURLOPT_PRIVATE` of `raw` points.
    static func of(_ raw: UnsafeMutableRawPointer?) -> EasyHandle? {
        var context: UnsafeMutableRawPointer?
        _ = ccurl_get_pointer(raw, CURLINFO_PRIVATE, &context)
        return from(context)
    }

    private static func from(_ context: UnsafeMutableRawPointer?) -> EasyHandle? {
        context.map { Unmanaged<EasyHandle>.fromOpaque($0).takeUnretainedValue() }
    }

    private static func list(of lines: [String]) throws(TransportError) -> UnsafeMutablePointer<curl_slist>? {
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                throw .refusedOption
            }
            list = longer
        }
        return list
    }

    func check(_ code: CURLcode) throws(TransportError) {
        guard code == CURLE_OK else { throw .refusedOption }
    }

    // MARK: Callbacks

    /// - Returns: The length of `line`; any other number ends the transfer.
    private func headerLineArrived(_ line: UnsafeRawBufferPointer) -> Int {
        if let connection { loop.received(on: connection) }
        switch parser.consume(line) {
        case .incomplete:
            return line.count
        case .complete(let head):
            if let delivery = exchange?.headArrived(head) { loop.deliver(delivery) }
            return line.count
        case .violation(let reason):
            callbackError = TransportError(.protocolViolation, reason)
            return 0
        }
    }

    /// - Returns: The length of `bytes`, or `CURL_WRITEFUNC_PAUSE`; any other number ends the transfer.
    private func chunkArrived(_ bytes: UnsafeRawBufferPointer) -> Int {
        if let connection { loop.received(on: connection) }
        switch exchange?.chunkArrived([UInt8](bytes)) {
        case .accepted(let delivery):
            if let delivery { loop.deliver(delivery) }
            return bytes.count
        case .paused:
            if !isPaused {
                isPaused = true
                connection?.pausedCount += 1
            }
            return Int(CURL_WRITEFUNC_PAUSE)
        case .refused, nil:
            return 0
        }
    }

    /// A connection is about to be made. Where libcurl does that by itself because the attempt before had no effect, the request
    /// counts as not sent: if the connection cannot be made, libcurl no longer says how that attempt ended.
    private func willConnect(_ socket: curl_socket_t) {
        ccurl_limit_unacknowledged_time(socket, UInt32(Self.maxUnacknowledged.wholeMilliseconds))
        if attemptHadNoEffect() { releaseConnection() }
    }

    /// A connection is ready. libcurl repeats any request whose reused connection breaks before the response begins, and
    /// any that the peer refused; only one that may be repeated goes out again, or one of which it is certain that it had no
    /// effect.
    private func willSend(from localPort: Int32) -> Int32 {
        guard let exchange, let pool else { return CURL_PREREQFUNC_ABORT }
        if attempt != nil, !exchange.plan.isReplayable, !attemptHadNoEffect() {
            callbackError = TransportError(.protocolViolation, "the connection broke before the response began")
            return CURL_PREREQFUNC_ABORT
        }
        if attempt != nil, !attemptHadNoEffect() { earlierAttemptMayHaveHadEffect = true }
        releaseConnection()
        let isHTTP2 = ccurl_speaks_http2(raw)
        let key = ConnectionKey(origin: exchange.plan.origin, localPort: Int(localPort))
        connection = loop.connection(key, generation: pool.generation, isHTTP2: isHTTP2)
        attempt = Attempt(isHTTP2: isHTTP2, bytesBefore: requestBytes)
        return CURL_PREREQFUNC_OK
    }
}

extension TransportError {
    /// libcurl ran out of memory, or was built without a required option.
    fileprivate static var refusedOption: Self { Self(.invalidRequest, "libcurl refused an option") }
}
