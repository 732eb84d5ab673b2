import CCurl
import HTTPTransport

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
