public import HTTPTypes

/// One HTTP request with its body and its time limits.
public struct TransportRequest: Sendable {
    /// Method, scheme, authority, path and header fields.
    public var head: HTTPRequest
    /// The body; empty means that none is sent.
    public var body: [UInt8]
    /// The longest time from the call to the last byte of the body; `nil` for streams that have no end of their own.
    public var timeout: Duration?
    /// The longest time from the call to the end of the response head; `nil` leaves it to ``timeout``.
    public var headTimeout: Duration?
    /// Whether the request gets a new connection, which is closed after it, instead of one that is there already.
    public var usesOwnConnection: Bool
    /// The address, or the name, to connect to instead of the URL's host, at the same port; TLS and `Host` are the URL's.
    public var connectAddress: String?

    public init(
        head: HTTPRequest,
        body: [UInt8] = [],
        timeout: Duration?,
        headTimeout: Duration? = nil,
        usesOwnConnection: Bool = false
    ) {
        self.head = head
        self.body = body
        self.timeout = timeout
        self.headTimeout = headTimeout
        self.usesOwnConnection = usesOwnConnection
    }
}
