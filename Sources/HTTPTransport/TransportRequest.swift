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
    /// A body that is sent while it is being made, in place of ``body``. While it flows, ``headTimeout`` begins anew with every
    /// part of it.
    public var upload: TransportUpload?
    /// Whether the target goes out byte for byte as `head.path` has it, and no field is added but those of HTTP itself: for
    /// requests that are passed on for somebody else. `*` is allowed too, and so is a body of length zero that is declared.
    public var isVerbatim = false
    /// Ends the request from outside.
    public var abort: TransportAbort?

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
