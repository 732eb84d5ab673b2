import FoundationEssentials
import HTTPTypes
import HummingbirdCore
import NIOCore
import ServiceLifecycle

extension APIServer {
    /// The connection must be closed without a response.
    private struct ConnectionDropped: Error {}

    /// Responds to one request, or applies the fault that the fault plan has for it.
    func respond(to request: Request, _ writer: consuming ResponseWriter, _ channel: any Channel) async throws {
        var request = request
        guard let body = try? await request.collectBody(upTo: RequestHandler.maxBodyBytes) else {
            let failure = StatusFailure(
                code: 413,
                reason: "RequestEntityTooLarge",
                message: "Request entity too large: limit is \(RequestHandler.maxBodyBytes)"
            )
            try await write(.failure(failure), writer, to: request, nil, channel)
            return
        }
        let parsed = handler.parse(
            APIRequest(
                method: request.method.rawValue,
                target: request.head.path ?? "/",
                headers: request.headers,
                body: Array(buffer: body)
            )
        )
        requestLog.record(
            RequestLog.Entry(verb: parsed.verb, resource: parsed.resource, user: parsed.user?.name ?? "")
        )
        let fault = faults.fault(for: parsed.call)
        var response: APIResponse?
        switch fault {
        case .respond(let failure)?: response = .failure(failure)
        case .hold(let latch)?: await whileConnected(request) { await latch.wait() }
        case .hang?, .drop?: response = nil
        default: break
        }
        if response == nil, fault?.executesRequest ?? true { response = handler.response(to: parsed) }
        switch fault {
        case .executeThenRespond(let failure)?: response = .failure(failure)
        case .hang?, .executeThenHang?:
            await whileConnected(request) { await Latch().wait() }
            throw ConnectionDropped()
        case .drop?, .executeThenDrop?:
            channel.close(promise: nil)
            throw ConnectionDropped()
        default: break
        }
        guard let response else { return }
        try await write(response, writer, to: request, fault, channel)
    }

    /// Runs `operation` until it returns or the client disconnects.
    private func whileConnected(_ request: Request, _ operation: @Sendable @escaping () async -> Void) async {
        try? await request.body.consumeWithCancellationOnInboundClose { _ in await operation() }
    }

    private func write(
        _ response: APIResponse,
        _ writer: consuming ResponseWriter,
        to request: Request,
        _ fault: FaultPlan.Fault?,
        _ channel: any Channel
    ) async throws {
        let isHead = request.method == .head
        switch response {
        case .document(let status, let document, let contentType, let warnings):
            let bytes = JSONWriter.bytes(of: document) + [UInt8(ascii: "\n")]
            var head = head(status, contentType, warnings)
            head.headerFields[.contentLength] = String(bytes.count)
            if let seconds = document["details", "retryAfterSeconds"]?.intValue {
                head.headerFields[.retryAfter] = String(seconds)
            }
            if status == 401 { head.headerFields[.wwwAuthenticate] = "Bearer" }
            try await writer.write(response: head, body: isHead ? .init() : .init(byteBuffer: ByteBuffer(bytes: bytes)))
        case .text(let status, let text):
            let isJSON = text.hasPrefix("{")
            var head = head(status, isJSON ? "application/json" : "text/plain; charset=utf-8", [])
            head.headerFields[.contentLength] = String(text.utf8.count)
            try await writer.write(response: head, body: isHead ? .init() : .init(byteBuffer: ByteBuffer(string: text)))
        case .watch(let watch):
            // The subscription must end together with the response.
            defer { watch.changes.finish() }
            var head = head(200, "application/json", watch.warnings)
            // Detecting the client's disconnection consumes the rest of the connection, so the server closes it after a watch.
            // Without this field a client would send its next request on it and lose it.
            head.headerFields[.connection] = "close"
            var body: any ResponseBodyWriter = try await writer.writeHead(head)
            let stream = WatchStream(
                watch: watch,
                store: store,
                fault: fault,
                bookmarkInterval: configuration.bookmarkInterval,
                clock: configuration.clock
            )
            let ending = try await request.body.consumeWithCancellationOnInboundClose { _ in
                try await withGracefulShutdownHandler {
                    try await stream.deliver { try await body.write(ByteBuffer(bytes: $0)) }
                } onGracefulShutdown: {
                    watch.changes.finish()
                }
            }
            guard ending == .complete else {
                channel.close(promise: nil)
                throw ConnectionDropped()
            }
            try await body.finish(nil)
        }
    }

    private func head(_ status: Int, _ contentType: String, _ warnings: [String]) -> HTTPResponse {
        var fields = HTTPFields()
        fields[.contentType] = contentType
        fields[.cacheControl] = "no-cache, private"
        let offset = faults.clockOffset.components.seconds
        fields[.date] = Timestamp.header(store.now().addingTimeInterval(Double(offset)))
        for warning in warnings { fields.append(HTTPField(name: .warning, value: "299 - \"\(warning)\"")) }
        return HTTPResponse(status: .init(code: status), headerFields: fields)
    }
}

extension HTTPField.Name {
    /// Kubernetes uses the field although RFC 9111 has removed it.
    fileprivate static let warning = HTTPField.Name("Warning") ?? .contentType
}

extension FaultPlan.Fault {
    /// Whether the request is executed.
    fileprivate var executesRequest: Bool {
        switch self {
        case .respond, .hang, .drop: false
        default: true
        }
    }
}

extension RequestHandler.Parsed {
    /// The request as the rules of a fault plan see it.
    fileprivate var call: FaultPlan.Call {
        var place: ResourceTarget?
        if case .resource(let target) = target { place = target }
        return FaultPlan.Call(verb: verb, resource: resource, name: place?.name)
    }
}
