internal import HTTPTransport
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import NIOCore
internal import PreviewDomain
internal import Router
internal import ServiceLifecycle

/// Takes the requests that are the core API's before anything else of this service looks at them: they need none of its
/// credentials, take none of its places, and none of its time limits ends them.
struct PassingOn: Sendable {
    let router: CoreRouter
    /// What is set between the core API's own events; `nil` leaves its event streams as they are.
    var streams: RunStreamSource?
    let presences = ClientPresences()

    /// The most bytes that are written before the connection's event loop has taken note of them. Writing waits for a client
    /// that does not read, but only once the event loop has found that out.
    private static let maxAhead = 256 * 1_024

    /// Whether a request is passed on.
    func takes(_ request: HTTPRequest) -> Bool {
        switch RouteTable.owner(of: request.method, request.path ?? "") {
        case .service: false
        case .core, .timeline: true
        }
    }

    /// Passes on what is the core API's, and leaves the rest to `responder`.
    func before(_ responder: @escaping HTTPChannelHandler.Responder) -> HTTPChannelHandler.Responder {
        { request, writer, channel in
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
        try await router.pass(routed) { answer in
            guard let writer = answerWriter.take() else { return }
            var head = answer.head
            if isLast { head.headerFields[.connection] = "close" }
            switch answer.body {
            case .bytes(let bytes):
                try await writer.write(response: head, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
            case .stream(let response):
                var body = try await writer.writeHead(head)
                try await Self.endingWithReplica(response, isStream: answer.isEventStream) {
                    if let merged = mergedStream(request, answer, response) { return try await merged.write(to: &body) }
                    var ahead = 0
                    for try await chunk in response.body {
                        try await body.write(ByteBuffer(bytes: chunk))
                        ahead += chunk.count
                        if ahead >= Self.maxAhead {
                            ahead = 0
                            try await channel.eventLoop.submit {}.get()
                        }
                    }
                }
                try await body.finish(answer.trailers)
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
        isStream: Bool,
        _ write: () async throws -> Void
    ) async throws {
        guard isStream else { return try await write() }
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
