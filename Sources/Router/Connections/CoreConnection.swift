internal import ChannelTLS
internal import HTTPTransport
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypesHTTP1
internal import NIOPosix

/// A connection to the core API, which serves one request after the other. It is confined to its event loop.
final class CoreConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private enum AwaitedEvent {
        /// The end of the TLS handshake.
        case handshake
        /// The head of the response.
        case head
        /// The next request.
        case request
    }

    private let limits: RouterLimits
    private weak var pool: CoreConnectionPool?
    private var context: ChannelHandlerContext?

    /// The request in progress; `nil` while the connection is idle.
    private var exchange: ForwardedExchange?
    /// Whether the core API may close the connection because it is idle: it has answered an earlier request, and sent nothing
    /// since.
    private var mayEndAsIdle = false
    private var isRequestSent = false
    /// Whether the core API keeps the connection open after the response in progress.
    private var isPersistent = false
    /// True while the client does not accept more of the response.
    private var isReadHeld = false
    /// The reason why the connection ends; `nil` if the peer closed it without an error.
    private var failure: TransportError?

    /// Called when the connection can serve requests, or has ended before.
    private var established: ((Result<CoreConnection, TransportError>) -> Void)?
    private var isEstablished: Bool

    /// What the connection waits for within a time limit; `nil` while a response arrives, which has none.
    private var awaited: (event: AwaitedEvent, deadline: NIODeadline)?
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?

    /// - Parameters:
    ///   - hasTLS: Whether a handshake precedes the first request.
    ///   - pool: Gets the connection back after each request.
    init(limits: RouterLimits, hasTLS: Bool, pool: CoreConnectionPool) {
        self.limits = limits
        self.pool = pool
        isEstablished = !hasTLS
    }

    /// Calls `then` when the connection can serve requests.
    ///
    /// - Parameter deadline: When it has to be able to.
    func whenEstablished(
        before deadline: NIODeadline,
        _ then: @escaping (Result<CoreConnection, TransportError>) -> Void
    ) {
        guard !isEstablished, failure == nil else { return then(failure.map { .failure($0) } ?? .success(self)) }
        established = then
        awaited = (.handshake, deadline)
        schedule()
    }

    // MARK: Requests

    /// Whether the connection can serve a request.
    var isUsable: Bool { exchange == nil && failure == nil && context?.channel.isActive == true }

    /// Whether a further part of the request is accepted.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Sends a request's head.
    ///
    /// - Parameters:
    ///   - isWhole: Whether the request consists of its head.
    ///   - sent: Called when the head was sent, so that the core API may have received it; `nil` if nobody needs to know.
    func begin(_ exchange: ForwardedExchange, _ head: HTTPRequestHead, isWhole: Bool, sent: (() -> Void)?) {
        guard let context else { return }
        self.exchange = exchange
        isRequestSent = isWhole
        wait(for: .head, within: limits.headTimeout)
        var promise: EventLoopPromise<Void>?
        if let sent {
            promise = context.eventLoop.makePromise()
            promise?.futureResult.assumeIsolated().whenSuccess { [weak self] in
                if self?.exchange === exchange { sent() }
            }
        }
        context.write(wrapOutboundOut(.head(head)), promise: promise)
        if isWhole { context.write(wrapOutboundOut(.end(nil)), promise: nil) }
        context.flush()
    }

    func send(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        requestContinued()
    }

    func sendEnd(_ trailers: HTTPFields?) {
        isRequestSent = true
        context?.writeAndFlush(wrapOutboundOut(.end(trailers.map(HTTPHeaders.init))), promise: nil)
        requestContinued()
    }

    func flush() { context?.flush() }

    /// Ends the request in progress, and with it the connection.
    func cancel() {
        exchange = nil
        close()
    }

    func close() {
        context?.close(promise: nil)
    }

    /// The client accepts more of the response.
    func resumeReading() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    // MARK: Responses

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let exchange, failure == nil else { return context.close(promise: nil) }
        switch unwrapInboundIn(data) {
        case .head(let head) where head.status == .switchingProtocols:
            // No request offers another protocol.
            fail(TransportError(.protocolViolation, "the core API switched to another protocol"), context)
        case .head(let head) where (100..<200).contains(head.status.code):
            mayEndAsIdle = false
            exchange.received(interim: head)
        case .head(let head):
            guard let response = try? HTTPResponse(head), response.status.code >= 200 else {
                return fail(TransportError(.protocolViolation, "the response has an invalid status"), context)
            }
            // The parser removes no other coding.
            guard response.headerFields[.transferEncoding]?.lowercased() ?? "chunked" == "chunked" else {
                return fail(TransportError(.protocolViolation, "the response has an unknown coding"), context)
            }
            awaited = nil
            mayEndAsIdle = false
            isPersistent = head.isKeepAlive
            exchange.received(response)
        case .body(let bytes):
            exchange.received(bytes)
        case .end(let trailers):
            self.exchange = nil
            if isPersistent, isRequestSent, failure == nil {
                becomeIdle()
            } else {
                context.close(promise: nil)
            }
            exchange.receivedEnd(trailers.map { HTTPFields($0, splitCookie: false) })
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        exchange?.flushResponse()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if let exchange, !exchange.acceptsResponse {
            isReadHeld = true
        } else {
            context.read()
        }
    }

    private func becomeIdle() {
        mayEndAsIdle = true
        wait(for: .request, within: limits.maxIdle)
        resumeReading()
        if let pool { pool.release(self) } else { close() }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { exchange?.connectionAcceptsMore() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is TLSHandshakeCompleted {
            isEstablished = true
            awaited = nil
            established.take()?(.success(self))
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A core API that ends the connection instead of answering need not do it in an orderly way. Later, a disorderly end
        // means that a part of the response is missing.
        let isEnd = error is IOError || error as? TLSFailure == .truncated
        let isResponding = exchange != nil && awaited?.event != .head
        if !isEnd || isResponding { failure = failure ?? TransportError(core: error) }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.task.cancel()
        timer = nil
        pool?.remove(self)
        let isClean = failure == nil
        let error = failure ?? TransportError(.protocolViolation, "the core API closed the connection")
        failure = error
        established.take()?(.failure(error))
        if let exchange {
            self.exchange = nil
            exchange.connectionEnded(error, wasIdle: isClean && mayEndAsIdle)
        }
        context.fireChannelInactive()
    }

    private func fail(_ error: TransportError, _ context: ChannelHandlerContext) {
        failure = failure ?? error
        context.close(promise: nil)
    }

    // MARK: Time

    /// The core API may wait with its response for the whole request.
    private func requestContinued() {
        if awaited?.event == .head { wait(for: .head, within: limits.headTimeout) }
    }

    private func wait(for event: AwaitedEvent, within time: Duration) {
        guard let context else { return }
        awaited = (event, context.eventLoop.now + TimeAmount(time))
        schedule()
    }

    /// At most one timer: if it fires too early, it is set again.
    private func schedule() {
        guard let context, let deadline = awaited?.deadline, deadline < timer?.deadline ?? .distantFuture
        else { return }
        timer?.task.cancel()
        let task = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.timerFired() }
        timer = (deadline, task)
    }

    private func timerFired() {
        timer = nil
        guard let context, let awaited else { return }
        guard awaited.deadline <= context.eventLoop.now else { return schedule() }
        switch awaited.event {
        case .handshake: fail(TransportError(.connect, "the TLS handshake took too long", isTimeout: true), context)
        case .head: fail(TransportError(.timedOut, "the core API did not respond in time"), context)
        case .request: context.close(promise: nil)
        }
    }
}

extension TransportError {
    /// The reason why a connection to the core API failed.
    init(core error: any Error) {
        switch error {
        case ChannelError.connectTimeout:
            self.init(.connect, "connecting to the core API took too long", isTimeout: true)
        case TLSFailure.handshake, TLSFailure.unusable: self.init(.tls, "\(error)")
        case is NIOConnectionError, is IOError, is SocketAddressError:
            self.init(.connect, "the core API cannot be reached")
        default: self.init(.protocolViolation, "the core API's response is not valid HTTP")
        }
    }
}
