internal import HTTPTypes

/// The media type that the router recognises.
enum MediaType {
    static let eventStream = "text/event-stream"

    static func isEventStream(_ head: HTTPResponse) -> Bool {
        head.headerFields[.contentType]?.lowercased().hasPrefix(eventStream) == true
    }

    /// Whether the client requests an event stream, as far as its request shows.
    static func requestsEventStream(_ head: HTTPRequest) -> Bool {
        if head.headerFields[values: .accept].contains(where: { $0.contains(eventStream) }) { return true }
        let path = (head.path ?? "").utf8.prefix { $0 != UInt8(ascii: "?") }
        return head.method == .get && path.reversed().starts(with: "/stream".utf8.reversed())
    }
}
