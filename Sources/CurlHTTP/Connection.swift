import CCurl
import HTTPTransport
import Synchronization

/// A connection, identified by its origin and its local port.
struct ConnectionKey: Hashable {
    let origin: String
    let localPort: Int
}

/// A connection with requests in progress, and the time since it last received data.
///
/// A slow peer and a connection that no longer reaches its peer look the same. A silent connection is therefore left open, and
/// only new requests use other connections.
final class Connection {
    let key: ConnectionKey
    let generation: Int
    let isHTTP2: Bool
    /// The number of requests in progress.
    private(set) var requestCount = 0
    /// The number of requests whose readers are behind. Before version 8.1, libcurl then stops reading from the whole
    /// connection.
    var pausedCount = 0
    /// The last time at which data arrived.
    private(set) var lastReceived: ContinuousClock.Instant
    /// The time since which a response is due: when the first request after the last arrival of data was sent. It stays set
    /// when a request times out without a response.
    private(set) var waitingSince: ContinuousClock.Instant?
    /// The time since which the connection has been silent; `nil` until the silence exceeds the limit.
    private(set) var silentSince: ContinuousClock.Instant?

    init(key: ConnectionKey, generation: Int, isHTTP2: Bool, at now: ContinuousClock.Instant) {
        self.key = key
        self.generation = generation
        self.isHTTP2 = isHTTP2
        lastReceived = now
    }

    func requestSent(at now: ContinuousClock.Instant) {
        requestCount += 1
        waitingSince = waitingSince ?? now
    }

    /// Records that data arrived, for any of its requests.
    func received(at now: ContinuousClock.Instant) {
        lastReceived = now
        waitingSince = now
        silentSince = nil
    }

    /// Records that a request was completed, failed or was cancelled.
    ///
    /// - Parameter timedOut: Whether the request timed out. On an HTTP/2 connection the missing response still counts as
    ///   silence then.
    func requestEnded(timedOut: Bool) {
        requestCount -= 1
        if requestCount == 0, !timedOut || !isHTTP2 { waitingSince = nil }
    }

    /// Whether the connection needs no more observation.
    func needsNoObservation(at now: ContinuousClock.Instant, maxIdle: Duration) -> Bool {
        guard requestCount == 0 else { return false }
        guard let waitingSince else { return true }
        return waitingSince.advanced(by: maxIdle) < now
    }

    /// Checks whether a response has been due for longer than `limit` while no data arrived.
    ///
    /// - Returns: When to check again; `nil` if the connection is silent, now or since an earlier check.
    func checkSilence(at now: ContinuousClock.Instant, limit: Duration) -> ContinuousClock.Instant? {
        guard silentSince == nil else { return nil }
        guard pausedCount == 0, requestCount > 0, let waitingSince else { return now.advanced(by: limit) }
        let end = waitingSince.advanced(by: limit)
        guard end <= now else { return end }
        silentSince = waitingSince
        return nil
    }
}

/// A silent connection, as the loops of a transport report it to each other.
struct SilentConnection: Sendable {
    let origin: String
    let generation: Int
    let since: ContinuousClock.Instant

    /// Describes `connection`; `nil` unless it is silent.
    init?(_ connection: Connection) {
        guard let since = connection.silentSince else { return nil }
        origin = connection.key.origin
        generation = connection.generation
        self.since = since
    }

    /// Whether `connection` may be broken for the same reason: it has the same peer, is not newer, and has been silent for as
    /// long.
    func mayShareCause(with connection: Connection) -> Bool {
        connection.key.origin == origin && connection.generation <= generation && connection.lastReceived <= since
    }
}

/// The connections of one generation on one loop.
///
/// Only requests that use the pool find its connections. libcurl cannot remove a single HTTP/2 connection from its cache while
/// requests use it, so the whole cache is abandoned instead. The pool and its connections are freed when the last handle
/// releases it.
final class ConnectionPool {
    /// The `CURLSH` handle.
    let raw: UnsafeMutableRawPointer
    let generation: Int
    /// The number of transfers that use the pool.
    var transferCount = 0

    init(generation: Int) throws(TransportError) {
        guard let raw = ccurl_connections_init() else {
            throw TransportError(.invalidRequest, "libcurl could not be initialised")
        }
        self.raw = raw
        self.generation = generation
    }

    deinit {
        // Closes the remaining connections.
        _ = curl_share_cleanup(raw)
    }
}

/// The generation of the connections that take new requests.
///
/// The loops of a transport share it. When one connection falls silent, the next generation begins, because other connections
/// of the same age may be broken for the same reason.
final class ConnectionGeneration: Sendable {
    private let number = Atomic(0)

    var current: Int { number.load(ordering: .relaxed) }

    /// Begins the next generation, unless `generation` has already ended.
    func end(_ generation: Int) {
        _ = number.compareExchange(expected: generation, desired: generation + 1, ordering: .relaxed)
    }
}
