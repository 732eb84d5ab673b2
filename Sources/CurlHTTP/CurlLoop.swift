import CCurl
import DequeModule
import HTTPTransport

/// The event loop of one `CURLM` handle. It runs on one thread.
final class CurlLoop {
    /// The kind of exchanges that a loop serves.
    ///
    /// Streams have a separate loop, because before libcurl 8.1 a paused HTTP/2 stream stalls all others of its connection
    /// (https://github.com/curl/curl/issues/10988): a watch with a slow reader would delay every request. Once all supported
    /// systems have libcurl 8.1, one loop can serve both.
    enum Mode: Sendable {
        /// Exchanges with a time-out: HTTP/2 if the peer supports it, multiplexed on few connections.
        case requests
        /// Exchanges without a time-out: HTTP/1.1, each on a separate connection.
        case streams
    }

    /// The number of transfers and handles of a loop.
    struct TransferCounts: Sendable, Equatable {
        var activeTransfers = 0
        var idleHandles = 0
    }

    /// The maximum number of exchanges in progress or waiting for a connection on one loop.
    static let maxActiveTransfers = 4_096
    /// The maximum number of handles that are kept for reuse.
    static let maxIdleHandles = 256
    /// The maximum number of HTTP/2 streams of one connection; the peer may allow fewer.
    private static let maxStreamsPerConnection = 250
    /// The longest wait in `curl_multi_poll`. It is only an upper bound: every event that matters wakes the thread.
    private static let maxSleep: Duration = .seconds(60)

    let configuration: CurlConfiguration
    let mode: Mode
    /// The generation of the connections that take new requests.
    let generation: ConnectionGeneration
    /// The messages to this loop.
    let mailbox: Mailbox
    /// The mailbox of the transport's loop for streams; `nil` on that loop itself.
    let streams: Mailbox?

    /// The start of the current iteration. All events of the iteration are recorded with this time.
    private(set) var now = ContinuousClock.now
    private(set) var active: [ObjectIdentifier: EasyHandle] = [:]
    /// The connections with requests in progress.
    var connections: [ConnectionKey: Connection] = [:]
    /// The connection that fell silent last, until it is known whether it was only slow.
    var lastSilent: Connection?

    private let multi: UnsafeMutableRawPointer
    /// The pool from which new requests get their connections.
    private var pool: ConnectionPool?
    /// The exchanges that have not been passed to libcurl yet, in the order of arrival. libcurl would do most of the work of a
    /// connection for each of them, only to find that no connection is free, and repeat it later.
    private var waiting: Deque<Exchange> = []
    /// The maximum number of exchanges that libcurl gets at once: one for each connection, if the last response showed that the
    /// peer does not multiplex.
    private var capacity = CurlLoop.maxActiveTransfers
    private var idle: [EasyHandle] = []
    private var deliveries: [Exchange.Machine.Delivery] = []
    /// A time before which no deadline passes. It may belong to a completed exchange; the unnecessary check is cheap.
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

    /// Runs until the mailbox is closed, then aborts the remaining exchanges.
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
        lastSilent = nil
        pool = nil
        mailbox.forgetHandle()
        curl_multi_cleanup(multi)
        performDeliveries()
    }

    /// Performs `delivery` at the end of the current iteration. By then a short response is complete, so its reader, once
    /// resumed, need not wait a second time.
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
        case .abort(let exchange):
            guard let handle = active[ObjectIdentifier(exchange)] else { return }
            remove(handle)
        case .cutOff(let silent):
            cutOff(silent)
        case .count(let continuation):
            let count = active.count + waiting.count { $0.isAwaitingHead }
            continuation.resume(returning: TransferCounts(activeTransfers: count, idleHandles: idle.count))
        }
    }

    private func start(_ exchange: Exchange) {
        guard active.count + waiting.count < Self.maxActiveTransfers else {
            let error = TransportError(.connect, "more than \(Self.maxActiveTransfers) requests are in progress")
            if let delivery = exchange.ended(.failure(error)) { deliver(delivery) }
            return
        }
        waiting.append(exchange)
        let deadlines = [exchange.headDeadline, exchange.deadline].compactMap(\.self)
        let deadline = deadlines.reduce(now.advanced(by: configuration.maxSilence), min)
        nextDeadline = min(nextDeadline ?? deadline, deadline)
    }

    /// Passes waiting exchanges to libcurl as far as the capacity allows.
    private func startWaiting() {
        while hasRoom, let exchange = waiting.popFirst() {
            // The caller may have cancelled the request meanwhile.
            guard exchange.isAwaitingHead else { continue }
            do throws(TransportError) {
                try submit(exchange)
            } catch {
                if let delivery = exchange.ended(.failure(error)) { deliver(delivery) }
            }
        }
    }

    /// Whether libcurl may get one more exchange. Exchanges on connections of earlier generations are not counted, because they
    /// may stay there until they time out.
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
        // Otherwise the idle handles would keep the idle connections of the previous pool open.
        for handle in idle { handle.releasePool() }
        return pool
    }

    /// Sends an exchange again on the current pool.
    ///
    /// - Parameter prepare: Prepares the handle for another attempt on the given pool.
    /// - Returns: False if the preparation failed. The handle is no longer in the `CURLM` then.
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
        let ending = handle.result(of: code)
        if handle.mayReplay(after: code),
            restart(handle, { handle, pool throws(TransportError) in try handle.prepareReplay(after: code, on: pool) })
        {
            return
        }
        if let delivery = handle.exchange?.ended(ending) { deliver(delivery) }
        if mode == .requests, let isMultiplexed = handle.isMultiplexed {
            capacity = isMultiplexed ? Self.maxActiveTransfers : configuration.maxConnections
        }
        remove(handle)
    }

    /// Removes `handle` from the `CURLM` and keeps it for reuse. Its connection is closed if the transfer was not complete.
    ///
    /// - Parameter timedOut: Whether the exchange timed out before the response was complete.
    func remove(_ handle: EasyHandle, timedOut: Bool = false) {
        if let exchange = handle.exchange { active[ObjectIdentifier(exchange)] = nil }
        _ = curl_multi_remove_handle(multi, handle.raw)
        handle.detach(timedOut: timedOut)
        if handle.pool !== pool { handle.releasePool() }
        if idle.count < Self.maxIdleHandles { idle.append(handle) }
    }

    // MARK: Deadlines

    /// Applies the deadlines and the limit of silence, once the earliest of them has passed.
    ///
    /// That is about every 3 s, so scanning all exchanges costs less than a priority queue that every request would enter and
    /// leave.
    private func expireTransfers() {
        guard let nextDeadline else { return }
        let now = ContinuousClock.now
        guard nextDeadline <= now else { return }
        var earliest: ContinuousClock.Instant?
        abandonSilentConnections(at: now, nextCheck: &earliest)
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
