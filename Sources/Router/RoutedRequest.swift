public import HTTPTransport
public import HTTPTypes

/// A request that is to be forwarded.
public struct RoutedRequest: Sendable {
    /// The content after the head.
    public enum Body: Sendable {
        case none
        case bytes([UInt8])
        /// Generated while it is sent.
        case upload(TransportUpload)
    }

    /// The head as received, with the unchanged target and the client's `Host` as its authority.
    public let head: HTTPRequest
    public let body: Body
    /// The client's address.
    public let client: String?
    /// Ends the request when the client disconnects.
    public let abort: TransportAbort

    public init(
        head: HTTPRequest,
        body: Body,
        client: String?,
        abort: TransportAbort = TransportAbort()
    ) {
        self.head = head
        self.body = body
        self.client = client
        self.abort = abort
    }

    /// Whether the client requests an event stream, as far as its request shows.
    var requestsEventStream: Bool {
        if head.headerFields[values: .accept].contains(where: { $0.contains(MediaType.eventStream) }) { return true }
        let path = (head.path ?? "").utf8.prefix { $0 != UInt8(ascii: "?") }
        return head.method == .get && path.reversed().starts(with: "/stream".utf8.reversed())
    }
}

/// The response to the client.
public struct RoutedResponse: Sendable {
    /// The content after the head.
    public enum Body: Sendable {
        case bytes([UInt8])
        /// The core API's body, valid until the response is delivered.
        case stream(TransportResponse)
    }

    public let head: HTTPResponse
    public let body: Body

    /// The trailers, after the body was read completely.
    public var trailers: HTTPFields? {
        guard case .stream(let response) = body else { return nil }
        return ForwardedResponse.trailers(response.trailers)
    }

    /// Whether it is an event stream.
    public var isEventStream: Bool { MediaType.isEventStream(head) }
}

/// The media type that the router recognises.
enum MediaType {
    static let eventStream = "text/event-stream"

    static func isEventStream(_ head: HTTPResponse) -> Bool {
        head.headerFields[.contentType]?.lowercased().hasPrefix(eventStream) == true
    }
}
