internal import Basics
internal import NIOCore

/// What a client hears while its call waits.
struct CallProgress {
    /// How often a waiting call says that it goes on. Shorter than any time-out that is known of a client or a proxy,
    /// the shortest being 30 seconds, so that one lost message does no harm.
    static let interval = Duration.seconds(5)

    private let token: JSONRPCID?
    private var message = "The preview is being started."
    private var count = 0

    init(token: JSONRPCID?) {
        self.token = token
    }

    /// The call waits for something else than before: says so at once.
    mutating func report(_ message: String) throws -> ByteBuffer {
        self.message = message
        return try goOn()
    }

    /// The event for one interval: progress where the client asked for it, else a comment, which only keeps the
    /// connection from being closed.
    mutating func goOn() throws -> ByteBuffer {
        guard let token else { return EventStream.comment("waiting") }
        // The protocol wants a number that grows each time ("Progress"). How much is left nobody knows.
        count += 1
        return try Self.event([
            "jsonrpc": "2.0", "method": "notifications/progress",
            "params": ["progressToken": token.json, "progress": .integer(count), "message": .string(message)],
        ])
    }

    /// One message as a server-sent event.
    static func event(_ message: JSONValue) throws -> ByteBuffer {
        EventStream.event("message", data: try message.text().utf8)
    }
}
