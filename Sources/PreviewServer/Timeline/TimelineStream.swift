internal import AsyncAlgorithms
internal import HTTPTransport
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity
internal import ServiceLifecycle

/// One reader's stream of a run's events.
///
/// Nothing is buffered here: an event is read from the watch when the connection has taken the previous one, so a slow
/// reader delays only its own watch. The server disconnects a reader that takes nothing
/// (``ConnectionLimits/writeTimeout``).
struct TimelineStream: Sendable {
    /// How often a comment is sent: proxies close connections that are silent for 30 to 60 seconds.
    static let heartbeat = Duration.seconds(15)
    /// How long a stream lasts. A reader that still has access reconnects at once, and resumes.
    static let maxDuration = Duration.seconds(900)
    /// How long a reader waits before it reconnects.
    static let retryDelay = Duration.seconds(2)

    let run: RunID
    let claim: ClaimIdentity
    let position: TimelinePosition?
    let reader: TimelineReader
    let time: MonotonicTime

    private enum Item: Sendable {
        case record(TimelineRecord)
        case heartbeat
        /// The stream has ended, and the reader may reconnect.
        case end
        /// The reader has disconnected.
        case disconnection
    }

    /// Writes until the reader disconnects, the stream has lasted long enough, or the service shuts down.
    ///
    /// - Parameter disconnections: Yields when the reader has disconnected.
    func write(to writer: inout any ResponseBodyWriter, disconnections: AsyncStream<Void>) async throws {
        try await writer.write(EventStream.opening(retryAfter: Self.retryDelay))
        let items = AsyncChannel<Item>()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            group.addTask { await followClaims(items) }
            group.addTask {
                for await _ in disconnections { await items.send(.disconnection) }
            }
            group.addTask {
                try? await time.sleep(Self.maxDuration)
                await items.send(.end)
            }
            group.addTask {
                try? await gracefulShutdown()
                await items.send(.end)
            }
            try await write(items, to: &writer)
        }
    }

    /// Sends a heartbeat at its interval, and the events on the run's claim.
    ///
    /// The run may get another claim, for example if its sandbox is replaced. That claim is followed too, from its first
    /// event; the earlier one still gets the events about the ends of its previews.
    private func followClaims(_ items: AsyncChannel<Item>) async {
        await withTaskGroup(of: Void.self) { group in
            var followed: Set = [claim]
            group.addTask { await follow(claim, after: position, items) }
            while (try? await time.sleep(Self.heartbeat)) != nil {
                await items.send(.heartbeat)
                if let current = await reader.cachedClaim(of: run), followed.insert(current).inserted {
                    group.addTask { await follow(current, after: nil, items) }
                }
            }
            group.cancelAll()
        }
    }

    private func follow(
        _ claim: ClaimIdentity,
        after position: TimelinePosition?,
        _ items: AsyncChannel<Item>
    ) async {
        try? await reader.follow(run, on: claim, after: position) { record in
            await items.send(.record(record))
            try Task.checkCancellation()
        }
        await items.send(.end)
    }

    private func write(_ items: AsyncChannel<Item>, to writer: inout any ResponseBodyWriter) async throws {
        for await item in items {
            switch item {
            case .record(let record):
                let buffer = EventStream.event(
                    record.entry.event.kind.rawValue,
                    id: record.position?.description,
                    data: try record.entry.json()
                )
                try await writer.write(buffer)
            case .heartbeat: try await writer.write(EventStream.comment("waiting"))
            case .end: return
            case .disconnection: throw CancellationError()
            }
        }
        throw CancellationError()
    }
}

/// The text of server-sent events (WHATWG HTML, "Server-sent events").
enum EventStream {
    /// An event may contain a preview's URL, so caches must not store it. The last header tells nginx not to buffer
    /// events.
    static let headers: HTTPFields = [
        .contentType: "text/event-stream", .cacheControl: "no-store, no-transform", .accelBuffering: "no",
    ]

    /// A response whose events are sent while they happen.
    ///
    /// The body is written after the middleware has returned, so the caller and the trace of the request, which are
    /// values of its task, are set again for it.
    static func response(
        _ write: @escaping @Sendable (inout any ResponseBodyWriter) async throws -> Void
    ) -> Response {
        let (caller, trace) = (Caller.current, RequestTrace.current)
        let body = ResponseBody { writer in
            try await Caller.$current.withValue(caller) {
                try await RequestTrace.$current.withValue(trace) { try await write(&writer) }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    /// The beginning of a stream, which shows the client at once that it is open.
    ///
    /// - Parameter delay: How long the client waits before it reconnects after the end of the stream.
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
    ///   - id: The `Last-Event-ID` that the client sends when it reconnects; `nil` leaves it unchanged.
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
