internal import HTTPTransport
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import PreviewDomain
internal import Router
internal import ServiceLifecycle
internal import Synchronization

/// Takes the requests that are the core API's before anything else of this service looks at them: they need none of its
/// credentials, take none of its places, and none of its time limits ends them.
final class PassingOn: Sendable {
    private let router: CoreRouter
    /// What is set between the core API's own events; `nil` leaves its event streams as they are.
    private let streams: RunStreamSource?
    let presences = ClientPresences()

    /// The most bytes that are written before the connection's event loop has taken note of them. Writing waits for a client
    /// that does not read, but only once the event loop has found that out.
    private static let maxAhead = 256 * 1_024

    init(router: CoreRouter, streams: RunStreamSource? = nil) {
        self.router = router
        self.streams = streams
    }

    /// Whether a request is passed on.
    func takes(_ request: HTTPRequest) -> Bool {
        switch RouteTable.owner(of: request.method, request.path ?? "") {
        case .service: false
        case .core, .timeline: true
        }
    }

    /// Passes on what is the core API's, and leaves the rest to `responder`.
    func before(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTPChannelHandler.Responder {
        { [self] request, writer, channel in
            if takes(request.head) {
                try await respond(to: request, writer, channel)
            } else {
                try await responder(request, writer, channel)
            }
        }
    }

    /// Passes a request on and writes its answer.
    ///
    /// - Throws: When the answer broke off; then the connection has to be closed.
    func respond(to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        let departure = TransportAbort()
        presences.watch(channel, departure)
        defer { presences.unwatch(channel) }
        let routed = RoutedRequest(
            head: request.head,
            body: Self.body(of: request, on: channel),
            client: channel.remoteAddress?.ipAddress,
            departure: departure
        )
        // The parser stops after a request that offers another protocol.
        let isLast = request.headers.contains(.upgrade)
        let answerWriter = AnswerWriter(writer)
        try await router.pass(routed) { [self] answer in
            guard let writer = answerWriter.take() else { return }
            var head = answer.head
            if isLast { head.headerFields[.connection] = "close" }
            switch answer.body {
            case .bytes(let bytes):
                try await BodyWriting.write(head, bytes, writer)
            case .stream(let response):
                let whole = answer.isEventStream ? nil : response.body.takeWhole()
                // A short answer is written at once, since each step costs a change of thread and a system call.
                if let whole, answer.trailers == nil { return try await BodyWriting.write(head, whole, writer) }
                var body = try await BodyWriting.begin(head, writer)
                if let whole {
                    try await BodyWriting.write(ByteBuffer(bytes: whole), &body)
                } else {
                    try await write(response, mergedStream(request, answer, response), answer, channel, to: &body)
                }
                try await BodyWriting.finish(answer.trailers, &body)
            }
        }
    }

    @inline(never)
    private func write(
        _ response: TransportResponse,
        _ merged: MergedStream?,
        _ answer: RoutedAnswer,
        _ channel: any Channel,
        to body: inout some ResponseBodyWriter
    ) async throws {
        if let merged {
            try await Self.endingWithReplica(response) { try await merged.write(to: &body) }
        } else if answer.isEventStream {
            try await Self.endingWithReplica(response) { try await Self.copy(response, channel, to: &body) }
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
        var ahead = 0
        for try await chunk in response.body {
            try await BodyWriting.write(ByteBuffer(bytes: chunk), &body)
            ahead += chunk.count
            if ahead >= maxAhead {
                ahead = 0
                try await channel.eventLoop.submit {}.get()
            }
        }
    }

    /// The core API decides who may read a run's events: only what it lets through is added to, where that is possible.
    private func mergedStream(
        _ request: Request,
        _ answer: RoutedAnswer,
        _ response: TransportResponse
    ) -> MergedStream? {
        let fields = answer.head.headerFields
        guard let streams, answer.head.status == .ok, answer.isEventStream, !fields.contains(.contentLength),
            !fields.contains(.contentEncoding),
            case .timeline(let text) = RouteTable.owner(of: request.method, request.head.path ?? ""),
            let run = try? RunID(text)
        else { return nil }
        return MergedStream(run: run, source: streams, response: response)
    }

    /// An event stream has no end of its own, and its reader comes back: it ends when this replica stops.
    private static func endingWithReplica(
        _ response: TransportResponse,
        _ write: () async throws -> Void
    ) async throws {
        try await withGracefulShutdownHandler(operation: write, onGracefulShutdown: response.body.end)
    }

    /// A body comes with its length, or in chunks; without either there is none (RFC 9112 section 6.3).
    private static func body(of request: Request, on channel: any Channel) -> RoutedRequest.Body {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        guard length ?? 0 > 0 || request.headers.contains(.transferEncoding) else { return .none }
        let expectsContinue = request.headers[.expect]?.lowercased() == "100-continue"
        return .upload(
            TransportUpload(length: length) { writer in
                // The core API wants the body only now.
                if expectsContinue { channel.triggerUserOutboundEvent(ContinueWithBody(), promise: nil) }
                var isComplete = false
                for try await buffer in request.body {
                    // MessageHandler marks the end: a connection that breaks off ends the sequence too.
                    isComplete = buffer.readableBytes == 0
                    if !isComplete { try await writer.write(Array(buffer.readableBytesView)) }
                }
                guard isComplete else { throw ClientBrokeOff() }
            }
        )
    }

    private struct ClientBrokeOff: Error {}
}

/// Writes to a client, each step in a frame of its own.
///
/// A task keeps the memory of its deepest calls, and a stream's task waits for hours. Inlined into their callers, these steps
/// would make every open stream larger by the frames of all of them.
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

    @inline(never)
    static func finish(_ trailers: HTTPFields?, _ writer: inout some ResponseBodyWriter) async throws {
        try await writer.finish(trailers)
    }
}

/// Tells a connection that its client may send the body that it announced (RFC 9110 section 10.1.1).
struct ContinueWithBody: Sendable {}

/// Hands a writer, which cannot be copied, to whoever writes the answer.
///
/// `@unchecked Sendable`: the one answer of a request takes it, while the task that made it waits.
private final class AnswerWriter: @unchecked Sendable {
    private var writer: ResponseWriter?

    init(_ writer: consuming ResponseWriter) {
        self.writer = consume writer
    }

    func take() -> ResponseWriter? { writer.take() }
}

extension CoreRouter {
    /// The longest answer to a request of which a route of this service has read the body.
    private static let maxAnswerBytes = 1 << 20

    /// Passes on a request that one of this service's routes has read, and found to be the core API's.
    ///
    /// - Parameter body: What it read.
    /// - Returns: The core API's answer, or why there is none.
    func pass(_ request: Request, body: ByteBuffer, context: PreviewRequestContext) async throws -> Response {
        var head = request.head
        head.headerFields[.contentLength] = "\(body.readableBytes)"
        let routed = RoutedRequest(
            head: head,
            body: .bytes(Array(body.readableBytesView)),
            client: context.channel.remoteAddress?.ipAddress
        )
        let collected = Mutex<Response?>(nil)
        try await pass(routed) { answer in
            let bytes: [UInt8]
            switch answer.body {
            case .bytes(let own): bytes = own
            case .stream(let response): bytes = try await response.body.collect(maxBytes: Self.maxAnswerBytes)
            }
            let response = Response(
                status: answer.head.status,
                headers: answer.head.headerFields,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes))
            )
            collected.withLock { $0 = response }
        }
        guard let response = collected.withLock({ $0 }) else { throw CancellationError() }
        context.passedOn.set()
        return response
    }
}

/// Whether a request's answer is the core API's, to which nothing is added.
final class PassedOnMark: Sendable {
    private let mark = Atomic(false)

    var isSet: Bool { mark.load(ordering: .relaxed) }

    func set() { mark.store(true, ordering: .relaxed) }
}

/// Ends requests that are passed on when their clients go away: close their connection or their half of it, or reset the
/// request's HTTP/2 stream.
///
/// Registering costs a look into a dictionary. A handler that is added for each request would cost two changes of thread.
final class ClientPresences: Sendable {
    private struct Presence {
        var isGone = false
        var departure: TransportAbort?
    }

    private let presences = Mutex<[ObjectIdentifier: Presence]>([:])

    /// A connection begins, before its first request.
    func arrived(_ channel: any Channel) {
        presences.withLock { $0[ObjectIdentifier(channel)] = Presence() }
    }

    /// The client is gone. Its connection may still be open.
    func departed(_ channel: any Channel) {
        presences.withLock { presences in
            presences[ObjectIdentifier(channel)]?.isGone = true
            return presences[ObjectIdentifier(channel)]?.departure
        }?.abort()
    }

    /// The connection is over.
    func forget(_ channel: any Channel) {
        presences.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }?.departure?.abort()
    }

    /// Ends `departure` when the client goes away, at once where it is gone.
    func watch(_ channel: any Channel, _ departure: TransportAbort) {
        let isGone = presences.withLock { presences in
            guard presences[ObjectIdentifier(channel)]?.isGone == false else { return true }
            presences[ObjectIdentifier(channel)]?.departure = departure
            return false
        }
        if isGone { departure.abort() }
    }

    /// The request is answered.
    func unwatch(_ channel: any Channel) {
        presences.withLock { $0[ObjectIdentifier(channel)]?.departure = nil }
    }
}
