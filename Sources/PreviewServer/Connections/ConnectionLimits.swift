/// What one client may cost the server before it has proved to be anybody: connections, bytes and time.
///
/// Beyond a limit the client gets an error where HTTP still allows one, and its connection is closed.
public struct ConnectionLimits: Hashable, Sendable {
    /// The most connections at once. One more closes the connection that has gone longest without a request; when all
    /// are busy, the new one is closed.
    public var maxConnections = 4_096
    /// The time from a connection's first byte, or from the first byte after a pause, until a request's head is
    /// complete.
    public var headTimeout = Duration.seconds(10)
    /// The time from a request's head until its body is complete.
    public var bodyTimeout = Duration.seconds(10)
    /// The time between two requests on one connection. It is longer than the 60 s that load balancers commonly keep
    /// an idle connection, so that the balancer is the one to close it.
    public var idleTimeout = Duration.seconds(75)
    /// The time for which a client may refuse to read what is sent to it.
    public var writeTimeout = Duration.seconds(30)
    /// After how much silence TCP asks whether the client's machine is still there. A stream on which nothing happens is held
    /// for as long as its client, which may have gone without a word.
    public var keepaliveIdle = Duration.seconds(60)
    /// How often TCP then asks again.
    public var keepaliveInterval = Duration.seconds(15)
    /// How many of its questions in a row may stay unanswered until the kernel ends the connection.
    public var keepaliveProbes = 4
    /// The time and the bytes for which a connection is still read after its last answer, so that the answer arrives:
    /// closing at once would reset the connection (RFC 9112, 9.6).
    public var lingerTimeout = Duration.seconds(2)
    public var maxLingeringBytes = 1 << 20
    /// The longest request body, in bytes.
    public var maxBodyBytes = PreviewRequestContext.maxBodyBytes
    /// The longest header field, and the longest request line, in bytes. Access tokens are the longest that come.
    public var maxHeaderFieldBytes = 8 * 1_024
    /// All header fields of a request together, in bytes.
    public var maxHeaderListBytes = 16 * 1_024
    /// The most header fields of a request.
    public var maxHeaderFields = 100

    public init() {}

    /// Takes heads that are as large as those that the core API takes (Kestrel's own limit), since they are passed on.
    public mutating func allowLargeHeads() {
        maxHeaderFieldBytes = 32 * 1_024
        maxHeaderListBytes = 32 * 1_024
    }
}
