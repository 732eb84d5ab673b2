import CCurl
import HTTPTransport
import Synchronization

/// Which connection: its peer and its end on this machine.
struct ConnectionKey: Hashable {
    let origin: String
    let localPort: Int
}

/// A connection that has requests to answer, as far as it has to be watched.
///
/// A peer that is slow and a connection that no longer leads anywhere look the same. So nothing is done to a connection that
/// is silent, except that new requests go elsewhere.
final class Connection {
    let key: ConnectionKey
    let generation: Int
    let isHTTP2: Bool
    /// How many requests are on it.
    private(set) var requestCount = 0
    /// How many of them have a reader that is behind. libcurl before 8.1 then reads nothing more of the whole connection.
    var pausedCount = 0
    /// The last time that something arrived.
    private(set) var lastReceived: ContinuousClock.Instant
    /// Since when something is due: since the first request was sent after which nothing has arrived. A request whose time is
    /// over without an answer leaves it as it is.
    private(set) var waitingSince: ContinuousClock.Instant?
    /// Since when it has been silent, once that was for longer than allowed.
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

    /// Something arrived, for whichever request.
    func received(at now: ContinuousClock.Instant) {
        lastReceived = now
        waitingSince = now
        silentSince = nil
    }

    /// A request was answered, failed, or was given up.
    ///
    /// - Parameter timedOut: Whether its time was over. Then it counts, although nobody waits for its answer any more.
    func requestEnded(timedOut: Bool) {
        requestCount -= 1
        if requestCount == 0, !timedOut || !isHTTP2 { waitingSince = nil }
    }

    /// Whether there is nothing more to know of it.
    func isForgettable(at now: ContinuousClock.Instant, maxIdle: Duration) -> Bool {
        guard requestCount == 0 else { return false }
        guard let waitingSince else { return true }
        return waitingSince.advanced(by: maxIdle) < now
    }

    /// Looks whether a request has waited for too long while nothing arrived.
    ///
    /// - Returns: When to look again; `nil` when it fell silent, now or before.
    func judge(at now: ContinuousClock.Instant, limit: Duration) -> ContinuousClock.Instant? {
        guard silentSince == nil else { return nil }
        guard pausedCount == 0, requestCount > 0, let waitingSince else { return now.advanced(by: limit) }
        let end = waitingSince.advanced(by: limit)
        guard end <= now else { return end }
        silentSince = waitingSince
        return nil
    }
}

/// A connection that fell silent, in the words of the loops.
struct SilentConnection: Sendable {
    let origin: String
    let generation: Int
    let since: ContinuousClock.Instant

    /// `nil` while nothing is wrong with `connection`.
    init?(_ connection: Connection) {
        guard let since = connection.silentSince else { return nil }
        origin = connection.key.origin
        generation = connection.generation
        self.since = since
    }

    /// Whether `connection` may have met the same fate: it is to the same peer and as old, and has been silent for as long.
    func mayResemble(_ connection: Connection) -> Bool {
        connection.key.origin == origin && connection.generation <= generation && connection.lastReceived <= since
    }
}

/// The connections of one generation on one loop.
///
/// A connection can be found only by requests that have its pool. libcurl offers no way to take a single HTTP/2
/// connection out of its cache while requests use it, so a whole cache is left behind instead: the pool lives, and with it its
/// connections, as long as a handle has it.
final class ConnectionPool {
    /// A `CURLSH`.
    let raw: UnsafeMutableRawPointer
    let generation: Int
    /// How many exchanges are at work on it.
    var transferCount = 0

    init(generation: Int) throws(TransportError) {
        guard let raw = ccurl_connections_init() else {
            throw TransportError(.invalidRequest, "libcurl could not be initialised")
        }
        self.raw = raw
        self.generation = generation
    }

    deinit {
        // Closes the connections that are left.
        _ = curl_share_cleanup(raw)
    }
}

/// Which of a transport's connections take new requests: those of the current generation.
///
/// The loops of a transport share one. When a connection of any of them falls silent, the next generation begins, because
/// what happened to that connection may have happened to all that are as old.
final class ConnectionGeneration: Sendable {
    private let number = Atomic(0)

    var current: Int { number.load(ordering: .relaxed) }

    /// Begins the next generation, unless `generation` is no longer the current one.
    func end(_ generation: Int) {
        _ = number.compareExchange(expected: generation, desired: generation + 1, ordering: .relaxed)
    }
}
