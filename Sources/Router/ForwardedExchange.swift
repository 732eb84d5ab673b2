internal import HTTPTransport
public import HTTPTypes
public import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypesHTTP1

/// The receiver of the response to a forwarded request. All functions are called on the event loop of the request.
public protocol ForwardedResponseReceiver: AnyObject {
    /// Whether it accepts more of the response now. When it does again, it calls ``ForwardedExchange/resume()``.
    var acceptsResponse: Bool { get }
    /// A response precedes the final one, such as 100 (RFC 9110 section 15.2).
    func receive(interim head: HTTPResponse)
    /// The response begins. It is the core API's, or the router's if there is none.
    func receive(_ head: HTTPResponse, isEventStream: Bool)
    /// A part of the response's body.
    func receive(_ bytes: ByteBuffer)
    /// What was received is to be sent to the client.
    func flush()
    /// The response is complete.
    func receiveEnd(_ trailers: HTTPFields?)
    /// The response ended early: the client must not take it for a complete one.
    func receiveFailure()
    /// The core API accepts more of the request's body.
    func requestMayContinue()
}

/// One forwarded request. It is confined to its event loop.
///
/// A request that was certainly not sent is sent once more, on a new connection (``RouterLimits/maxAttempts``). So is a request
/// without a body whose method is idempotent, if the core API closed a connection on which it had answered earlier requests
/// instead of answering: it closes connections that are idle (RFC 9112 section 9.3.1).
public final class ForwardedExchange {
    /// How the end of a request's body is found (RFC 9112 section 6.3).
    private enum Framing {
        case none
        case length
        case chunks
    }

    private let router: CoreRouter
    private let pool: CoreConnectionPool
    private let receiver: any ForwardedResponseReceiver
    private let id: RequestID
    private let method: HTTPRequest.Method
    private let framing: Framing
    private let begun = NIODeadline.now()

    /// `nil` once it is not needed any more.
    private var request: HTTPRequest?
    private let client: String?
    /// The head that is sent.
    private var head: HTTPRequestHead?
    private var kind: RouterSlots.Kind
    private var hasSlot = false
    private var connection: CoreConnection?
    private var attempt = 1
    /// Whether the core API may have received the request.
    private var isHeadSent = false
    /// The parts of the body that arrived before the head was sent.
    private var waiting: [ByteBuffer] = []
    /// The end of the request, with its trailers if it has any, if it arrived before the head was sent.
    private var waitingEnd: HTTPFields??
    private var hasResponse = false
    private var isEventStream = false
    private var isOver = false

    /// - Parameters:
    ///   - request: The head as received, with the unchanged target and the client's `Host` as its authority.
    ///   - client: The client's address.
    ///   - pool: The connections of this event loop.
    public init(
        _ request: HTTPRequest,
        client: String?,
        through router: CoreRouter,
        _ pool: CoreConnectionPool,
        receiver: any ForwardedResponseReceiver
    ) {
        self.router = router
        self.pool = pool
        self.receiver = receiver
        id = RequestID(of: request.headerFields)
        method = request.method
        let fields = request.headerFields
        if fields.contains(.transferEncoding) {
            framing = .chunks
        } else {
            framing = fields[.contentLength].flatMap { Int($0) } ?? 0 > 0 ? .length : .none
        }
        kind = MediaType.requestsEventStream(request) ? .stream : .request
        self.request = request
        self.client = client
    }

    /// Sends the request, or refuses it: at once if it has a body, otherwise at its end.
    public func start() {
        if framing != .none { begin() }
    }

    private func begin() {
        guard let request = request.take() else { return }
        if let refusal = Refusal(request, hasBody: framing != .none) { return refuse(refusal) }
        guard router.slots.acquire(kind) else { return refuse(.full) }
        hasSlot = true
        let forwarded = ForwardedRequest(
            request,
            client: client,
            to: router.base,
            id: id.isNew ? id.description : nil,
            isChunked: framing == .chunks
        )
        head = HTTPRequestHead(asIs: forwarded.head)
        connect()
    }

    // MARK: The request

    /// Whether the core API accepts more of the request's body.
    public var acceptsRequest: Bool { isOver || framing == .none || (isHeadSent && connection?.isWritable == true) }

    /// Sends a part of the body; ``flushRequest()`` has to follow.
    public func send(_ bytes: ByteBuffer) {
        guard !isOver, framing != .none else { return }
        if isHeadSent { connection?.send(bytes) } else { waiting.append(bytes) }
    }

    /// What was passed to ``send(_:)`` is to be sent to the core API.
    public func flushRequest() {
        if isHeadSent { connection?.flush() }
    }

    /// The request is complete.
    public func sendEnd(_ trailers: HTTPFields?) {
        guard !isOver else { return }
        // A response before the end of its request would be the last one of the connection.
        guard framing != .none else { return begin() }
        let trailers = framing == .chunks ? ForwardedResponse.trailers(trailers) : nil
        if isHeadSent { connection?.sendEnd(trailers) } else { waitingEnd = .some(trailers) }
    }

    /// The client has disconnected.
    public func cancel() {
        guard !isOver else { return }
        router.metrics.recordFailure(hasResponse ? .body : .head, "client_gone")
        end()
    }

    /// Ends an event stream, which has no end of its own, as if it were complete: the server shuts down, and its reader
    /// reconnects. Other responses continue.
    public func endStream() {
        guard !isOver else { return }
        if isEventStream {
            end()
            receiver.receiveEnd(nil)
        } else if !hasResponse, kind == .stream {
            refuse(.shutdown)
        }
    }

    /// The receiver accepts more of the response.
    public func resume() {
        connection?.resumeReading()
    }

    private func connect() {
        pool.withConnection(isNew: attempt > 1) { [self] result in
            switch result {
            case .success(let connection) where isOver: connection.close()
            case .success(let connection): send(on: connection)
            case .failure(let error): failed(error, hadNoEffect: true)
            }
        }
    }

    private func send(on connection: CoreConnection) {
        guard let head else { return }
        self.connection = connection
        // Whether a request was sent does not matter if it may be sent again.
        isHeadSent = isRepeatable
        connection.begin(
            self,
            head,
            isWhole: framing == .none,
            sent: isHeadSent ? nil : { [self] in headSent(on: connection) }
        )
    }

    private func headSent(on connection: CoreConnection) {
        isHeadSent = true
        for bytes in waiting { connection.send(bytes) }
        waiting = []
        if let trailers = waitingEnd.take() { connection.sendEnd(trailers) } else { connection.flush() }
        if acceptsRequest { receiver.requestMayContinue() }
    }

    /// Whether the request has the same effect if the core API receives it twice (RFC 9110 section 9.2.2), and can be sent
    /// again.
    private var isRepeatable: Bool {
        framing == .none && [.get, .head, .options, .trace, .put, .delete].contains(method)
    }

    // MARK: Notifications from the connection

    var acceptsResponse: Bool { receiver.acceptsResponse }

    func connectionAcceptsMore() {
        if acceptsRequest { receiver.requestMayContinue() }
    }

    func received(interim head: HTTPResponseHead) {
        guard var response = try? HTTPResponse(head) else { return }
        response.headerFields = HopByHop.endToEndFields(of: response.headerFields)
        receiver.receive(interim: response)
        receiver.flush()
    }

    func received(_ response: HTTPResponse) {
        hasResponse = true
        head = nil
        isEventStream = MediaType.isEventStream(response)
        router.responded(response.status.code, after: .now() - begun)
        if isEventStream { kind = router.slots.move(kind, to: .stream) }
        receiver.receive(ForwardedResponse.head(response, id: id.description), isEventStream: isEventStream)
    }

    func received(_ bytes: ByteBuffer) {
        receiver.receive(bytes)
    }

    func flushResponse() {
        if hasResponse { receiver.flush() }
    }

    func receivedEnd(_ trailers: HTTPFields?) {
        guard !isOver else { return }
        connection = nil
        end()
        router.forwarded(id, method)
        receiver.receiveEnd(ForwardedResponse.trailers(trailers))
    }

    /// - Parameter wasIdle: Whether the core API may have closed the connection because it was idle.
    func connectionEnded(_ error: TransportError, wasIdle: Bool) {
        connection = nil
        guard !isOver else { return }
        guard isHeadSent else { return failed(TransportError(.refused, error.message), hadNoEffect: true) }
        failed(error, hadNoEffect: wasIdle && isRepeatable)
    }

    private func failed(_ error: TransportError, hadNoEffect: Bool) {
        guard !isOver else { return }
        guard !hasResponse else {
            router.responseEndedEarly(error, id)
            end()
            return receiver.receiveFailure()
        }
        if hadNoEffect, attempt < router.limits.maxAttempts {
            attempt += 1
            isHeadSent = false
            return connect()
        }
        router.observer(false)
        refuse(Refusal(error, headTimeout: router.limits.headTimeout), because: error.message)
    }

    // MARK: Ends

    /// - Parameter reason: For the log: why there is no response.
    private func refuse(_ refusal: Refusal, because reason: String? = nil) {
        router.refused(refusal, id, method, because: reason)
        end()
        let (head, body) = refusal.response(id: id.description)
        receiver.receive(head, isEventStream: false)
        receiver.receive(body)
        receiver.receiveEnd(nil)
    }

    private func end() {
        isOver = true
        request = nil
        if hasSlot { router.slots.release(kind) }
        connection?.cancel()
        connection = nil
        head = nil
        waiting = []
    }
}

extension HTTPRequestHead {
    /// Keeps all fields apart and in order. The conversion of swift-nio-extras joins the fields `Cookie`.
    fileprivate init(asIs request: HTTPRequest) {
        var headers = HTTPHeaders()
        headers.reserveCapacity(request.headerFields.count + 1)
        headers.add(name: "Host", value: request.authority ?? "")
        for field in request.headerFields { headers.add(name: field.name.rawName, value: field.value) }
        self.init(
            version: .http1_1,
            method: HTTPMethod(request.method),
            uri: request.path ?? "/",
            headers: headers
        )
    }
}
