internal import HTTPTypes
internal import NIOCore

/// The text of server-sent events (WHATWG HTML, "Server-sent events").
enum EventStream {
    /// What is streamed may hold a preview's URL, which no cache is to keep. The last header tells nginx not to hold
    /// events back.
    static let headers: HTTPFields = [
        .contentType: "text/event-stream", .cacheControl: "no-store, no-transform", .accelBuffering: "no",
    ]

    /// What a stream begins with, so that the client knows at once that it is open.
    ///
    /// - Parameter delay: How long the client is to wait before it comes back when the stream ends.
    static func opening(retryAfter delay: Duration) -> ByteBuffer {
        ByteBuffer(string: "retry: \(Int(delay / .milliseconds(1)))\n\n")
    }

    /// A comment, which clients ignore.
    static func comment(_ text: String) -> ByteBuffer {
        ByteBuffer(string: ": \(text)\n\n")
    }

    /// One event.
    ///
    /// - Parameters:
    ///   - name: The event's type.
    ///   - id: What the client sends as `Last-Event-ID` when it comes back; `nil` leaves it what it was.
    ///   - data: One line.
    static func event(_ name: String, id: String? = nil, data: some Sequence<UInt8>) -> ByteBuffer {
        var buffer = ByteBuffer()
        if let id { buffer.writeString("id: \(id)\n") }
        buffer.writeString("event: \(name)\ndata: ")
        buffer.writeBytes(data)
        buffer.writeString("\n\n")
        return buffer
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    fileprivate static let accelBuffering = HTTPField.Name("X-Accel-Buffering")!
    // swift-format-ignore: NeverForceUnwrap
    static let lastEventID = HTTPField.Name("Last-Event-ID")!
}
