internal import HTTPTransport
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import PreviewDomain
internal import Router
internal import ServiceLifecycle
internal import Synchronization

/// Forwards the core API's requests before any other part of this service processes them: they need none of its
/// credentials, and none of its limits applies to them.
final class CoreForwarder: Sendable {
    private let router: CoreRouter
    /// The events that are merged into the core API's streams; `nil` leaves these unchanged.
    private let streams: RunStreamSource?
    let connections = ClientConnections()

    init(router: CoreRouter, streams: RunStreamSource?) {
        self.router = router
        self.streams = streams
    }

    /// Whether a request is forwarded.
    func forwards(_ request: HTTPRequest) -> Bool {
        switch RouteTable.owner(of: request.method, request.path ?? "") {
        case .service: false
        case .core, .timeline: true
        }
    }

    /// Forwards the core API's requests, and passes all others to `responder`.
    func wrap(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTPChannelHandler.Responder {
        { [self] request, writer, channel in
            if forwards(request.head) {
                try await respond(to: request, writer, channel)
            } else {
                try await responder(request, writer, channel)
            }
        }
    }

    /// Forwards a request and writes its response.
    ///
    /// - Throws: If the response ended early; then the connection has to be closed.
    func respond(to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let abort = TransportAbort()
        connections.requestBegan(channel, abort)
        defer { connections.requestEnded(channel) }
        let resumed = resumedStream(request)
        let routed = RoutedRequest(
            head: forwardedHead(resumed?.request(instead: request.head) ?? request.head),
            body: Self.body(of: request, on: channel),
            client: channel.remoteAddress?.ipAddress,
            abort: abort
        )
        // The parser stops after a request that offers another protocol.
        let isLast = request.headers.contains(.upgrade)
        let writerBox = ResponseWriterBox(writer)
        try await router.forward(routed) { [self] forwarded in
            guard let writer = writerBox.take() else { return }
            var head = forwarded.head
            if isLast { head.headerFields[.connection] = "close" }
            switch forwarded.body {
            case .bytes(let bytes):
                try await BodyWriting.write(head, bytes, writer)
            case .stream(let response):
                let whole = forwarded.isEventStream ? nil : response.body.takeWhole()
                // A short response is written in one step, since each step costs a thread switch and a system call.
                if let whole, forwarded.trailers == nil { return try await BodyWriting.write(head, whole, writer) }
                var body = try await BodyWriting.begin(head, writer)
                if let whole {
                    try await BodyWriting.write(ByteBuffer(bytes: whole), &body)
                } else {
                    let merged = mergedStream(request, forwarded, response, resumed, channel)
                    try await write(response, merged, forwarded, channel, to: &body)
                }
                try await BodyWriting.finish(forwarded.trailers, &body)
            }
        }
    }

    @inline(never)
    private func write(
        _ response: TransportResponse,
        _ merged: MergedStream?,
        _ forwarded: RoutedResponse,
        _ channel: any Channel,
        to body: inout some ResponseBodyWriter
    ) async throws {
        if let merged {
            try await Self.endingOnShutdown(response) { try await merged.write(to: &body) }
        } else if forwarded.isEventStream {
            try await Self.endingOnShutdown(response) { try await Self.copy(response, channel, to: &body) }
        } else {
            try await Self.copy(response, channel, to: &body)
        }
    }

    @inline(never)
    private static func copy(
        _ response: TransportResponse,
        _ channel: any Channel,
        to body: inout some ResponseBodyWriter
    ) async throws {
        var unprocessed = UnprocessedBytes()
        for try await chunk in response.body {
            try await BodyWriting.write(ByteBuffer(bytes: chunk), &body)
            if unprocessed.isFull(after: chunk.count) { try await BodyWriting.waitForEventLoop(of: channel) }
        }
    }

    /// The head of the forwarded request. The core API must not compress a stream into which events are inserted.
    private func forwardedHead(_ head: HTTPRequest) -> HTTPRequest {
        guard streams != nil, head.headerFields.contains(.acceptEncoding),
            case .timeline = RouteTable.owner(of: head.method, head.path ?? "")
        else { return head }
        var head = head
        head.headerFields[.acceptEncoding] = "identity"
        return head
    }

    /// The core API decides who may read a run's events: only a stream that it returns is merged with others, if that
    /// is possible.
    private func mergedStream(
        _ request: Request,
        _ forwarded: RoutedResponse,
        _ response: TransportResponse,
        _ resumed: ResumedStream?,
        _ channel: any Channel
    ) -> MergedStream? {
        let fields = forwarded.head.headerFields
        guard let streams, forwarded.head.status == .ok, forwarded.isEventStream, !fields.contains(.contentLength),
            !fields.contains(.contentEncoding),
            case .timeline(let text) = RouteTable.owner(of: request.method, request.head.path ?? ""),
            let run = try? RunID(text)
        else { return nil }
        return MergedStream(
            run: run,
            source: streams,
            response: response,
            resumed: resumed,
            bearer: request.headers.bearer,
            channel: channel
        )
    }

    /// - Returns: `nil` if the stream is not merged with others, or its reader has no event of it.
    private func resumedStream(_ request: Request) -> ResumedStream? {
        guard streams != nil, case .timeline = RouteTable.owner(of: request.method, request.head.path ?? "") else {
            return nil
        }
        return ResumedStream(request.head)
    }

    /// An event stream has no end of its own, and its reader reconnects: it ends when this replica shuts down.
    private static func endingOnShutdown(
        _ response: TransportResponse,
        _ write: () async throws -> Void
    ) async throws {
        try await withGracefulShutdownHandler(operation: write, onGracefulShutdown: response.body.end)
    }

    /// A body has a length, or consists of chunks; otherwise there is none (RFC 9112 section 6.3).
    private static func body(of request: Request, on channel: any Channel) -> RoutedRequest.Body {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        guard length ?? 0 > 0 || request.headers.contains(.transferEncoding) else { return .none }
        let expectsContinue = request.headers[.expect]?.lowercased() == "100-continue"
        return .upload(
            TransportUpload(length: length) { writer in
                // The core API requests the body only now.
                if expectsContinue { channel.triggerUserOutboundEvent(ContinueWithBody(), promise: nil) }
                var rest = length
                var parts = request.body.makeAsyncIterator()
                while rest != 0 {
                    // The core API may answer before this task ends, which is then cancelled. Reading in a cancelled
                    // task would end the connection's input for good, and with it later requests.
                    try Task.checkCancellation()
                    guard let part = try await parts.next() else { throw ClientDisconnected() }
                    // MessageHandler marks the end: the sequence also ends if the connection breaks.
                    if part.readableBytes == 0 { return }
                    if let bytes = rest { rest = bytes - part.readableBytes }
                    try await writer.write(Array(part.readableBytesView))
                }
            }
        )
    }

    private struct ClientDisconnected: Error {}
}

/// Writes to a client, with a separate stack frame for each step.
///
/// A task keeps the memory of its deepest calls, and a stream's task waits for hours. If these steps were inlined into
/// their callers, every open stream would be larger by all of their frames.
enum BodyWriting {
    @inline(never)
    static func write(_ head: HTTPResponse, _ bytes: [UInt8], _ writer: consuming ResponseWriter) async throws {
        try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    @inline(never)
    static func begin(_ head: HTTPResponse, _ writer: consuming ResponseWriter) async throws -> some ResponseBodyWriter
    {
        try await writer.writeHead(head)
    }

    @inline(never)
    static func write(_ buffer: ByteBuffer, _ writer: inout some ResponseBodyWriter) async throws {
        try await writer.write(buffer)
    }

    @inline(never)
    static func write(contentsOf buffers: [ByteBuffer], _ writer: inout some ResponseBodyWriter) async throws {
        try await writer.write(contentsOf: buffers)
    }

    /// Returns when the connection's event loop has processed what was written before.
    @inline(never)
    static func waitForEventLoop(of channel: any Channel) async throws {
        try await channel.eventLoop.submit {}.get()
    }

    @inline(never)
    static func finish(_ trailers: HTTPFields?, _ writer: inout some ResponseBodyWriter) async throws {
        try await writer.finish(trailers)
    }
}

/// Counts the bytes that are written before the connection's event loop has processed them. Writing waits for a client
/// that does not read, but only after the event loop has detected that.
struct UnprocessedBytes {
    private static let limit = 256 * 1_024

    private var count = 0

    /// Counts written bytes.
    ///
    /// - Returns: Whether the event loop has to process what was written before more is written.
    mutating func isFull(after written: Int) -> Bool {
        count += written
        guard count >= Self.limit else { return false }
        count = 0
        return true
    }
}

/// Tells a connection that its client may send the announced body (RFC 9110 section 10.1.1).
struct ContinueWithBody: Sendable {}

/// Passes a writer, which cannot be copied, to the code that writes the response.
///
/// `@unchecked Sendable`: the single response of a request takes it, while the task that created it waits.
private final class ResponseWriterBox: @unchecked Sendable {
    private var writer: ResponseWriter?

    init(_ writer: consuming ResponseWriter) {
        self.writer = consume writer
    }

    func take() -> ResponseWriter? { writer.take() }
}

extension CoreRouter {
    /// The longest response to a request whose body was read by a route of this service.
    private static let maxResponseBytes = 1 << 20

    /// Forwards a request that one of this service's routes has read and recognised as the core API's. If the client
    /// disconnects, the forwarded request ends.
    ///
    /// - Parameters:
    ///   - path: The target instead of the request's own.
    ///   - body: The body that was read.
    /// - Returns: The core API's response, or the router's if there is none.
    func forward(
        _ request: Request,
        to path: String? = nil,
        body: ByteBuffer,
        context: PreviewRequestContext
    ) async throws -> Response {
        var head = request.head
        if let path { head.path = path }
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        let routed = RoutedRequest(
            head: head,
            body: .bytes(Array(body.readableBytesView)),
            client: context.channel.remoteAddress?.ipAddress
        )
        context.forwarding.begin()
        let response = try await context.cancellingOnClientDisconnection { try await self.collect(routed) }
        context.forwarding.setHasResponse()
        return response
    }

    private func collect(_ routed: RoutedRequest) async throws -> Response {
        let collected = Mutex<Response?>(nil)
        try await forward(routed) { forwarded in
            let bytes: [UInt8]
            switch forwarded.body {
            case .bytes(let own): bytes = own
            case .stream(let response): bytes = try await response.body.collect(maxBytes: Self.maxResponseBytes)
            }
            let response = Response(
                status: forwarded.head.status,
                headers: forwarded.head.headerFields,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            )
            collected.withLock { $0 = response }
        }
        guard let response = collected.withLock({ $0 }) else { throw CancellationError() }
        return response
    }
}

/// How far a request was forwarded that a route of this service had read.
final class ForwardingProgress: Sendable {
    private let response = Atomic(false)
    private let beginning = Atomic(false)

    /// Whether the request's response is the core API's, to which nothing is added.
    var hasResponse: Bool { response.load(ordering: .relaxed) }

    /// Whether the core API may have received the request.
    var hasBegun: Bool { beginning.load(ordering: .relaxed) }

    func setHasResponse() { response.store(true, ordering: .relaxed) }

    func begin() { beginning.store(true, ordering: .relaxed) }
}

/// Ends forwarded requests when their clients disconnect: when they close their connection or their half of it, or
/// reset the request's HTTP/2 stream.
///
/// Registering costs a dictionary lookup. Adding a handler for each request would cost two thread switches.
final class ClientConnections: Sendable {
    private struct Entry {
        var isDisconnected = false
        var abort: TransportAbort?
    }

    private let connections = Mutex<[ObjectIdentifier: Entry]>([:])

    /// A connection begins, before its first request.
    func opened(_ channel: any Channel) {
        connections.withLock { $0[ObjectIdentifier(channel)] = Entry() }
    }

    /// The client has disconnected. Its connection may still be open.
    func disconnected(_ channel: any Channel) {
        connections.withLock { connections in
            connections[ObjectIdentifier(channel)]?.isDisconnected = true
            return connections[ObjectIdentifier(channel)]?.abort
        }?.abort()
    }

    /// The connection is over.
    func closed(_ channel: any Channel) {
        connections.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.abort?.abort()
    }

    /// Triggers `abort` when the client disconnects, at once if it already has.
    func requestBegan(_ channel: any Channel, _ abort: TransportAbort) {
        let isDisconnected = connections.withLock { connections in
            guard connections[ObjectIdentifier(channel)]?.isDisconnected == false else { return true }
            connections[ObjectIdentifier(channel)]?.abort = abort
            return false
        }
        if isDisconnected { abort.abort() }
    }

    /// The request is answered.
    func requestEnded(_ channel: any Channel) {
        connections.withLock { $0[ObjectIdentifier(channel)]?.abort = nil }
    }
}
