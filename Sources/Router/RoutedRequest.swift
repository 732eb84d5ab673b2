public import HTTPTransport
public import HTTPTypes

/// A request that is to be passed on.
public struct RoutedRequest: Sendable {
    /// What follows the head.
    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Made while it is sent.
        case upload(TransportUpload)
    }

    /// The head as it came, with the target untouched and the client's `Host` as its authority.
    public let head: HTTPRequest
    public let body: Body
    /// The address that the request came from.
    public let client: String?
    /// How it came: `http` or `https`.
    public let scheme: String
    /// Ends it: the client is gone.
    public let departure: TransportAbort

    public init(
        head: HTTPRequest,
        body: Body,
        client: String?,
        scheme: String = "http",
        departure: TransportAbort = TransportAbort()
    ) {
        self.head = head
        self.body = body
        self.client = client
        self.scheme = scheme
        self.departure = departure
    }

    /// Whether the client asks for an event stream, as far as its request tells.
    var asksForStream: Bool {
        if head.headerFields[values: .accept].contains(where: { $0.contains(MediaType.eventStream) }) { return true }
        let path = (head.path ?? "").utf8.prefix { $0 != UInt8(ascii: "?") }
        return head.method == .get && path.reversed().starts(with: "/stream".utf8.reversed())
    }
}

/// What the client gets.
public struct RoutedAnswer: Sendable {
    /// What follows the head.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// The core API's, valid until the answer is delivered.
        case stream(TransportResponse)
    }

    public let head: HTTPResponse
    public let body: Body

    /// The fields that follow the body, once it was read to its end.
    public var trailers: HTTPFields? {
        guard case .stream(let response) = body else { return nil }
        return ForwardedAnswer.trailers(response.trailers)
    }

    /// Whether it is a stream of events.
    public var isEventStream: Bool { MediaType.isEventStream(head) }
}

/// What the router looks at in media types.
enum MediaType {
    static let eventStream = "text/event-stream"

    static func isEventStream(_ head: HTTPResponse) -> Bool {
        head.headerFields[.contentType]?.lowercased().hasPrefix(eventStream) == true
    }
}
