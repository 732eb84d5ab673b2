import CCurl
import HTTPTransport

/// One reusable `CURL` handle with what its callbacks need. It lives on the thread of its ``CurlLoop``.
final class EasyHandle {
    let raw: UnsafeMutableRawPointer
    /// What the handle works on; `nil` while it is idle.
    private(set) var exchange: Exchange?

    private unowned let loop: CurlLoop
    private let errorText: UnsafeMutablePointer<CChar>
    private let unacknowledgedLimit: UnsafeMutablePointer<UInt32>
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private var connectToList: UnsafeMutablePointer<curl_slist>?
    private var parser = ResponseHeadParser()
    /// How often the request went out: more than once when libcurl found its connection broken and took another.
    private var sendCount = 0
    /// True when the exchange is already on its second connection.
    private var isReplay = false
    /// Why a callback made libcurl give up.
    private var verdict: TransportError?

    /// Makes an idle handle with everything that is the same for all requests.
    init(for loop: CurlLoop) throws(TransportError) {
        guard let raw = curl_easy_init() else { throw .refusedOption }
        self.raw = raw
        self.loop = loop
        errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        unacknowledgedLimit = .allocate(capacity: 1)
        unacknowledgedLimit.initialize(to: UInt32(Self.maxUnacknowledged.wholeMilliseconds))
        try setUp(loop.configuration, mode: loop.mode)
    }

    deinit {
        curl_easy_cleanup(raw)
        curl_slist_free_all(headerList)
        curl_slist_free_all(connectToList)
        errorText.deallocate()
        unacknowledgedLimit.deallocate()
    }

    // MARK: One exchange

    /// Prepares the handle for `exchange`.
    func attach(_ exchange: Exchange) throws(TransportError) {
        self.exchange = exchange
        parser = ResponseHeadParser()
        sendCount = 0
        isReplay = false
        verdict = nil
        errorText[0] = 0
        try setUp(exchange.plan, mode: loop.mode)
    }

    /// Lets go of the exchange and of everything that belongs to it.
    func detach() {
        if case .body = exchange?.plan.framing {
            _ = ccurl_set_pointer(raw, CURLOPT_COPYPOSTFIELDS, nil)
        }
        exchange = nil
    }

    /// True when the exchange is allowed a second connection and may profit from it: the peer closed the HTTP/2
    /// connection before the response began. libcurl itself repeats requests over HTTP/1.1 only.
    ///
    /// It matters because libcurl before 8.1 resets every stream that it has read to the end, and servers that count
    /// resets (CVE-2023-44487) close the connection after some hundred requests.
    func mayReplay(after code: CURLcode) -> Bool {
        guard code == CURLE_HTTP2, !isReplay, let exchange else { return false }
        return exchange.plan.isReplayable && exchange.isAwaitingHead
    }

    /// Whether the exchange shared its connection with others; `nil` when there was no answer.
    var isMultiplexed: Bool? {
        var version = 0
        guard ccurl_get_long(raw, CURLINFO_HTTP_VERSION, &version) == CURLE_OK, version != 0 else { return nil }
        return version >= Int(CURL_HTTP_VERSION_2_0)
    }

    /// Forgets the first attempt; the options are still those of the exchange.
    func prepareReplay() {
        parser = ResponseHeadParser()
        isReplay = true
        errorText[0] = 0
    }

    /// What libcurl's verdict on the exchange means for its caller.
    func ending(_ code: CURLcode) -> Result<Void, TransportError> {
        if let verdict { return .failure(verdict) }
        guard code != CURLE_OK else { return .success(()) }
        return .failure(
            TransportError(
                code,
                wasSent: sendCount > 0,
                detail: String(cString: errorText),
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
                // libcurl copies as many bytes as were announced; an empty array has no address, but zero bytes need one.
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
        try check(ccurl_set_unacknowledged_limit(raw, unacknowledgedLimit))
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
            ccurl_set_prereq_callback(raw) { context, _, _, _, _ in
                EasyHandle.from(context)?.willSend() ?? CURL_PREREQFUNC_ABORT
            }
        )
    }

    /// The handle that `CURLOPT_PRIVATE` of `raw` points to.
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

    private func check(_ code: CURLcode) throws(TransportError) {
        guard code == CURLE_OK else { throw .refusedOption }
    }

    // MARK: Callbacks

    /// - Returns: `count` of `line`, or anything else to end the transfer.
    private func headerLineArrived(_ line: UnsafeRawBufferPointer) -> Int {
        switch parser.consume(line) {
        case .incomplete:
            return line.count
        case .complete(let head):
            if let delivery = exchange?.headArrived(head) { loop.deliver(delivery) }
            return line.count
        case .violation(let reason):
            verdict = TransportError(.protocolViolation, reason)
            return 0
        }
    }

    /// - Returns: `count` of `bytes`, the sign to pause, or anything else to end the transfer.
    private func chunkArrived(_ bytes: UnsafeRawBufferPointer) -> Int {
        switch exchange?.chunkArrived([UInt8](bytes)) {
        case .accepted(let delivery):
            if let delivery { loop.deliver(delivery) }
            return bytes.count
        case .paused:
            return Int(CURL_WRITEFUNC_PAUSE)
        case .refused, nil:
            return 0
        }
    }

    /// A connection is ready. libcurl repeats any request whose reused connection breaks before the response begins;
    /// only an idempotent one may be repeated (RFC 9110 section 9.2.2).
    private func willSend() -> Int32 {
        sendCount += 1
        guard sendCount > 1, exchange?.plan.isReplayable != true else { return CURL_PREREQFUNC_OK }
        verdict = TransportError(.protocolViolation, "the connection broke before the response began")
        return CURL_PREREQFUNC_ABORT
    }
}

extension TransportError {
    /// libcurl ran out of memory or does not know an option: it was built without something that is needed here.
    fileprivate static var refusedOption: Self { Self(.invalidRequest, "libcurl refused an option") }
}
