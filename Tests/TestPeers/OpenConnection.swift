/// A WebSocket or an event stream to a ``StreamingApp``, through a proxy.
public struct OpenConnection: Sendable {
    /// The kind of the long-lived response.
    public enum Kind: String, Sendable, CaseIterable {
        case webSocket, eventStream
    }

    private let kind: Kind
    private let app: StreamingApp
    private let client: RawClient
    /// When the request was sent.
    public let openedAt: ContinuousClock.Instant

    /// Opens a connection through a proxy on loopback, and returns once the app has answered.
    ///
    /// - Parameters:
    ///   - host: The name in the request's `Host`.
    ///   - port: The proxy's port on 127.0.0.1.
    /// - Throws: ``Refused`` if the app was not reached.
    public init(_ kind: Kind, to app: StreamingApp, host: String, port: Int) async throws {
        self.kind = kind
        self.app = app
        client = try await RawClient.connect(to: port)
        openedAt = .now
        switch kind {
        case .webSocket:
            try await client.send(
                """
                GET /socket HTTP/1.1\r\nHost: \(host)\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n
                """
            )
        case .eventStream:
            try await client.send("GET /events HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        }
        let head = await client.receive { $0.contains("\r\n\r\n") }
        guard head.hasPrefix("HTTP/1.1 \(kind == .webSocket ? "101" : "200") ") else { throw Refused(answer: head) }
        guard await passesBytes() else { throw Refused(answer: head) }
    }

    /// The response that came instead of the app's.
    public struct Refused: Error {
        public let answer: String
    }

    /// Whether a message sent now arrives: at the app and back on a WebSocket, from the app on an event stream.
    public func passesBytes() async -> Bool {
        let message = "message-\(UInt64.random(in: 0 ... .max))."
        switch kind {
        case .webSocket:
            do { try await client.send(message) } catch { return false }
        case .eventStream:
            app.send(event: message)
        }
        return await client.receive { $0.contains(message) }.contains(message)
    }

    /// Waits until the proxy closes the connection.
    ///
    /// - Returns: How long it was open.
    public func timeUntilEnd() async -> Duration {
        await client.receiveAll()
        return .now - openedAt
    }

    public func close() async throws { try await client.close() }
}
