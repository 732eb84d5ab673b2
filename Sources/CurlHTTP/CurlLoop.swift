import CCurl
import DequeModule
import HTTPTransport

/// The event loop around one `CURLM`. It is made, run and destroyed on one thread.
final class CurlLoop {
    /// What kind of exchanges a loop serves.
    ///
    /// Streams are kept apart because up to libcurl 8.1 one paused HTTP/2 stream stalls all others of its connection
    /// (https://github.com/curl/curl/issues/10988): a watch whose reader is busy would hold up every request. With a
    /// newer libcurl everywhere, one loop could serve both.
    enum Mode: Sendable {
        /// Exchanges with an end: HTTP/2 where the peer has it, multiplexed on few connections.
        case requests
        /// Exchanges without an end of their own: HTTP/1.1, each on a connection of its own.
        case streams
    }

    /// What is alive on a loop.
    struct Census: Sendable, Equatable {
        var activeTransfers = 0
        var idleHandles = 0
    }

    /// The most exchanges at work or waiting for a connection on one loop.
    static let maxActiveTransfers = 4_096
    /// The most handles kept for reuse.
    static let maxIdleHandles = 256
    /// The most HTTP/2 streams of one connection; the peer may allow fewer.
    private static let maxStreamsPerConnection = 250
    /// The longest sleep; a bound, not a period: everything that matters wakes the thread.
    private static let maxSleep: Duration = .seconds(60)

    let configuration: CurlConfiguration
    let mode: Mode
    /// Which connections take new requests.
    let generation: ConnectionGeneration
    /// The mailbox of the transport's loop of streams; `nil` for that loop itself.
    let streams: Mailbox?

    /// When this round began. What happens in it counts as happening at this time.
    private(set) var now = ContinuousClock.now
    private(set) var active: [ObjectIdentifier: EasyHandle] = [:]
    /// The connections that have requests on them.
    var connections: [ConnectionKey: Connection] = [:]
    /// The last connection that fell silent, until it is known whether it was only slow.
    var suspect: Connection?

    private let multi: UnsafeMutableRawPointer
    private let mailbox: Mailbox
    /// Where new requests take their connections from.
    private var pool: ConnectionPool?
    /// What libcurl is not given yet, in the order of arrival. It would make a connection's worth of preparations for each
    /// of them, only to find that none is free, and once more later.
    private var waiting: Deque<Exchange> = []
    /// How many exchanges libcurl is given at once: one for each connection, if the last answer showed that the peer does not
    /// multiplex them.
    private var capacity = CurlLoop.maxActiveTransfers
    private var idle: [EasyHandle] = []
    private var deliveries: [Exchange.Machine.Delivery] = []
    /// No deadline is earlier than this. It may belong to an exchange that is long over; looking again is cheap.
    private var nextDeadline: ContinuousClock.Instant?

    init(
        _ multi: MultiHandle,
        mailbox: Mailbox,
        configuration: CurlConfiguration,
        mode: Mode,
        generation: ConnectionGeneration,
        streams: Mailbox?
    ) {
        self.multi = multi.raw
        self.mailbox = mailbox
        self.configuration = configuration
        self.mode = mode
        self.generation = generation
        self.streams = streams
        _ = ccurl_multi_set_long(self.multi, CURLMOPT_PIPELINING, Int(CURLPIPE_MULTIPLEX))
        _ = ccurl_multi_set_long(self.multi, CURLMOPT_MAX_CONCURRENT_STREAMS, Self.maxStreamsPerConnection)
        switch mode {
        case .requests:
            _ = ccurl_multi_set_long(self.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, configuration.maxConnections)
            _ = ccurl_multi_set_long(self.multi, CURLMOPT_MAXCONNECTS, configuration.maxConnections)
        case .streams:
            break
        }
    }

    /// Works until the mailbox is closed, then aborts what is left.
    func run() {
        var batch: [Mailbox.Message] = []
        var isClosed = false
        while !isClosed {
            isClosed = mailbox.takeAll(into: &batch)
            now = .now
            for message in batch { handle(message) }
            batch.removeAll(keepingCapacity: true)
            startWaiting()
            var runningCount: Int32 = 0
            _ = curl_multi_perform(multi, &runningCount)
            finishTransfers()
            expireTransfers()
            startWaiting()
            performDeliveries()
            if !isClosed, mailbox.prepareToSleep() {
                _ = curl_multi_poll(multi, nil, 0, Int32(sleepTime().wholeMilliseconds), nil)
            }
        }
        for handle in active.values {
            _ = curl_multi_remove_handle(multi, handle.raw)
            if let delivery = handle.exchange?.shutDown() { deliver(delivery) }
        }
        for exchange in waiting {
            if let delivery = exchange.shutDown() { deliver(delivery) }
        }
        active.removeAll()
        waiting.removeAll()
        idle.removeAll()
        suspect = nil
        pool = nil
        mailbox.forgetHandle()
        curl_multi_cleanup(multi)
        performDeliveries()
    }

    /// Hands `delivery` over at the end of this round. By then a short response is complete, and its reader, once
    /// resumed, need not wait again.
    func deliver(_ delivery: Exchange.Machine.Delivery) {
        deliveries.append(delivery)
    }

    private func performDeliveries() {
        for delivery in deliveries { delivery.perform() }
        deliveries.removeAll(keepingCapacity: true)
    }

    // MARK: Messages

    private func handle(_ message: Mailbox.Message) {
        switch message {
        case .start(let exchange):
            start(exchange)
        case .unpause(let exchange):
            guard let handle = active[ObjectIdentifier(exchange)] else { return }
            let code = handle.unpause()
            if code != CURLE_OK { finish(handle, code) }
        case .resumeUpload(let exchange):
            guard let handle = active[ObjectIdentifier(exchange)] else { return }
            let code = handle.resumeUpload()
            if code != CURLE_OK { finish(handle, code) }
        case .abort(let exchange):
            guard let handle = active[ObjectIdentifier(exchange)] else { return }
            remove(handle)
        case .cutOff(let silent):
            cutOff(silent)
        case .count(let continuation):
            let count = active.count + waiting.count { $0.isAwaitingHead }
            continuation.resume(returning: Census(activeTransfers: count, idleHandles: idle.count))
        }
    }

    private func start(_ exchange: Exchange) {
        guard active.count + waiting.count < Self.maxActiveTransfers else {
            let error = TransportError(.connect, "more than \(Self.maxActiveTransfers) requests are under way")
            if let delivery = exchange.ended(.failure(error)) { deliver(delivery) }
            return
        }
        waiting.append(exchange)
        let deadlines = [exchange.headDeadline, exchange.deadline].compactMap(\.self)
        let deadline = deadlines.reduce(now.advanced(by: configuration.maxSilence), min)
        nextDeadline = min(nextDeadline ?? deadline, deadline)
    }

    /// Gives libcurl as much of what waits as it can work on.
    private func startWaiting() {
        while hasRoom, let exchange = waiting.popFirst() {
            // Its caller may have given up meanwhile.
            guard exchange.isAwaitingHead else { continue }
            do throws(TransportError) {
                try submit(exchange)
            } catch {
                if let delivery = exchange.ended(.failure(error)) { deliver(delivery) }
            }
        }
    }

    /// Whether libcurl may be given one more exchange. Those on connections of earlier generations leave room: they may
    /// wait there until their time is over.
    private var hasRoom: Bool {
        guard let pool, pool.generation == generation.current else { return true }
        return pool.transferCount < capacity
    }

    private func submit(_ exchange: Exchange) throws(TransportError) {
        let pool = try currentPool()
        let handle = if let handle = idle.popLast() { handle } else { try EasyHandle(for: self) }
        try handle.attach(exchange, pool)
        guard curl_multi_add_handle(multi, handle.raw) == CURLM_OK else {
            handle.detach()
            throw TransportError(.invalidRequest, "libcurl refused the request")
        }
        active[ObjectIdentifier(exchange)] = handle
    }

    private func currentPool() throws(TransportError) -> ConnectionPool {
        let current = generation.current
        if let pool, pool.generation == current { return pool }
        let pool = try ConnectionPool(generation: current)
        self.pool = pool
        // Nothing keeps the idle connections of the one before then.
        for handle in idle { handle.leavePool() }
        return pool
    }

    /// Begins an exchange anew.
    ///
    /// - Parameter prepare: Makes the handle ready for another attempt on the given pool.
    /// - Returns: False where that failed; then libcurl does not have the handle.
    func restart(
        _ handle: EasyHandle,
        _ prepare: (EasyHandle, ConnectionPool) throws(TransportError) -> Void
    ) -> Bool {
        _ = curl_multi_remove_handle(multi, handle.raw)
        do throws(TransportError) { try prepare(handle, try currentPool()) } catch { return false }
        return curl_multi_add_handle(multi, handle.raw) == CURLM_OK
    }

    // MARK: Ends

    private func finishTransfers() {
        var finished = ccurl_finished_transfer()
        while ccurl_multi_take_finished(multi, &finished) {
            guard let handle = EasyHandle.of(finished.handle) else { continue }
            finish(handle, finished.result)
        }
    }

    private func finish(_ handle: EasyHandle, _ code: CURLcode) {
        let ending = handle.ending(code)
        if handle.mayReplay(after: code),
            restart(handle, { handle, pool throws(TransportError) in try handle.prepareReplay(after: code, on: pool) })
        {
            return
        }
        handle.exchange?.trailers = handle.trailers
        if let delivery = handle.exchange?.ended(ending) { deliver(delivery) }
        if mode == .requests, let isMultiplexed = handle.isMultiplexed {
            capacity = isMultiplexed ? Self.maxActiveTransfers : configuration.maxConnections
        }
        remove(handle)
    }

    /// Takes `handle` off its connection, which is closed where the transfer was not over, and keeps it for reuse.
    ///
    /// - Parameter timedOut: Whether the exchange's time was over before the answer was complete.
    func remove(_ handle: EasyHandle, timedOut: Bool = false) {
        if let exchange = handle.exchange { active[ObjectIdentifier(exchange)] = nil }
        _ = curl_multi_remove_handle(multi, handle.raw)
        handle.detach(timedOut: timedOut)
        if handle.pool !== pool { handle.leavePool() }
        if idle.count < Self.maxIdleHandles { idle.append(handle) }
    }

    // MARK: Deadlines

    /// Looks at all exchanges, but only when the earliest known deadline has passed, which may be the end of the silence that is
    /// allowed. That is about once in 3 s, so that a plain scan beats any queue that every request would have to enter and
    /// leave.
    private func expireTransfers() {
        guard let nextDeadline else { return }
        let now = ContinuousClock.now
        guard nextDeadline <= now else { return }
        var earliest: ContinuousClock.Instant?
        leaveSilentConnections(at: now, lookAgain: &earliest)
        for handle in Array(active.values) {
            guard let exchange = handle.exchange else { continue }
            let stop = exchange.expire(at: now)
            if let delivery = stop.delivery { deliver(delivery) }
            if stop.abortsTransfer {
                remove(handle, timedOut: true)
            } else if let deadline = exchange.nextDeadline(after: now) {
                earliest = min(earliest ?? deadline, deadline)
            }
        }
        for exchange in waiting {
            if let delivery = exchange.expire(at: now).delivery { deliver(delivery) }
            if exchange.isAwaitingHead, let deadline = exchange.nextDeadline(after: now) {
                earliest = min(earliest ?? deadline, deadline)
            }
        }
        self.nextDeadline = earliest
    }

    private func sleepTime() -> Duration {
        guard let nextDeadline else { return Self.maxSleep }
        return min(Self.maxSleep, ContinuousClock.now.duration(to: nextDeadline))
    }
}
