internal import Basics
internal import DequeModule
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes
internal import PreviewDomain
internal import Router

/// Forwards the core API's requests on one connection, before any other part of this service processes them: they need
/// none of its credentials, and none of its limits applies to them. All others pass.
///
/// Only one request at a time is in progress, whoever answers it, so that the responses have the order of the requests. What
/// the client sends in advance waits here.
final class ForwardingHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private enum Exchange {
        case none
        case service
        case forwarded(ForwardedExchange)

        var forwarded: ForwardedExchange? {
            if case .forwarded(let exchange) = self { exchange } else { nil }
        }
    }

    private let router: CoreRouter
    /// The events that are merged into the core API's streams; `nil` leaves these unchanged.
    private let streams: RunStreamSource?
    private var context: ChannelHandlerContext?
    private var pool: CoreConnectionPool?
    private var knownClientAddress: String?

    /// The exchange whose response is not complete.
    private var current = Exchange.none
    /// The forwarded exchange whose request is not complete.
    private var reading: ForwardedExchange?
    /// Parts of later requests.
    private var waiting: Deque<HTTPRequestPart> = []
    private var isProcessingWaiting = false
    private var isReadHeld = false
    /// Whether no further request is processed: the last response was sent, or the client has disconnected.
    private var isOver = false

    /// The most parts of later requests: more than are read in advance, unless the client has closed its side. What it sent
    /// before is then read at once.
    private static let maxWaiting = 1 << 15

    /// Whether the connection ends with the forwarded response.
    private var isLast = false
    /// The stream of a run whose response is awaited or in progress.
    private var stream: MergedStream?
    private var isMerging = false
    /// Whether the server shuts down.
    private var isQuiescing = false

    init(router: CoreRouter, streams: RunStreamSource?) {
        self.router = router
        self.streams = streams
    }

    /// Whether a request is forwarded.
    static func forwards(_ request: HTTPRequest) -> Bool {
        switch RouteTable.owner(of: request.method, request.path ?? "") {
        case .service: false
        case .core, .timeline: true
        }
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        let part = unwrapInboundIn(data)
        guard !waiting.isEmpty || !process(part, context) else { return }
        guard waiting.count < Self.maxWaiting else { return context.close(promise: nil) }
        waiting.append(part)
    }

    /// - Returns: False if the part has to wait.
    private func process(_ part: HTTPRequestPart, _ context: ChannelHandlerContext) -> Bool {
        switch (part, reading) {
        case (.head(let head), _):
            guard case .none = current else { return false }
            begin(head, context)
        case (.body(let bytes), let exchange?):
            exchange.send(bytes)
        case (.end(let trailers), let exchange?):
            reading = nil
            exchange.sendEnd(trailers)
        case (.body, nil), (.end, nil):
            context.fireChannelRead(wrapInboundOut(part))
        }
        return true
    }

    private func begin(_ head: HTTPRequest, _ context: ChannelHandlerContext) {
        guard let pool else { return }
        let owner = RouteTable.owner(of: head.method, head.path ?? "")
        guard owner != .service else {
            current = .service
            return context.fireChannelRead(wrapInboundOut(.head(head)))
        }
        isLast = HopByHop.endsConnection(head.headerFields)
        var head = head
        if case .timeline(let run) = owner, let streams, let run = try? RunID(run) {
            follow(run, streams, &head)
        }
        let exchange = ForwardedExchange(
            head,
            client: clientAddress(context),
            through: router,
            pool,
            receiver: self
        )
        current = .forwarded(exchange)
        reading = exchange
        exchange.start()
    }

    private func clientAddress(_ context: ChannelHandlerContext) -> String? {
        if knownClientAddress == nil { knownClientAddress = context.remoteAddress?.ipAddress }
        return knownClientAddress
    }

    /// The parts that waited for the end of an exchange.
    private func processWaiting(_ context: ChannelHandlerContext) {
        // A request that is refused ends at once, within this loop.
        guard !isProcessingWaiting else { return }
        isProcessingWaiting = true
        while let part = waiting.popFirst() {
            guard !process(part, context) else { continue }
            waiting.prepend(part)
            break
        }
        isProcessingWaiting = false
        // At the end of a read, what was processed is sent, and later handlers process what they have got.
        channelReadComplete(context: context)
        if waiting.isEmpty { continueReading(context) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        reading?.flushRequest()
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if acceptsRequest { context.read() } else { isReadHeld = true }
    }

    private var acceptsRequest: Bool {
        waiting.isEmpty && reading?.acceptsRequest ?? true
    }

    private func continueReading(_ context: ChannelHandlerContext) {
        guard isReadHeld, acceptsRequest else { return }
        isReadHeld = false
        context.read()
    }

    // MARK: Responses of this service

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let isEnd = if case .end = unwrapOutboundIn(data) { true } else { false }
        context.write(data, promise: promise)
        if isEnd { exchangeEnded(context) }
    }

    private func exchangeEnded(_ context: ChannelHandlerContext) {
        current = .none
        if waiting.isEmpty { continueReading(context) } else { processWaiting(context) }
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        pool = router.pool(on: context.eventLoop)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        cancel()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancel()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable {
            if isMerging { writeNews() }
            current.forwarded?.resume()
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is LastResponseSent {
            cancel()
            return continueReading(context)
        }
        guard let exchange = current.forwarded else { return context.fireUserInboundEventTriggered(event) }
        switch event {
        case is ChannelShouldQuiesceEvent:
            // Later handlers would close the connection, of whose response they do not know.
            isQuiescing = true
            exchange.endStream()
        case ChannelEvent.inputClosed:
            context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// The client has disconnected, or gets no further response.
    private func cancel() {
        isOver = true
        waiting = []
        stopMerging()
        current.forwarded?.cancel()
        (current, reading) = (.none, nil)
    }
}

// MARK: - Responses of the core API

extension ForwardingHandler: ForwardedResponseReceiver {
    var acceptsResponse: Bool { context?.channel.isWritable ?? true }

    func receive(interim head: HTTPResponse) {
        context?.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    func receive(_ head: HTTPResponse, isEventStream: Bool) {
        var head = head
        if isLast { head.headerFields[.connection] = "close" }
        context?.write(wrapOutboundOut(.head(head)), promise: nil)
        if isEventStream, MergedStream.isPossible(in: head) { startMerging() } else { stream = nil }
        if isQuiescing { current.forwarded?.endStream() }
    }

    func receive(_ bytes: ByteBuffer) {
        guard isMerging, let stream else { return write(bytes) }
        for bytes in stream.arrived(bytes) { write(bytes) }
    }

    func flush() { context?.flush() }

    func receiveEnd(_ trailers: HTTPFields?) {
        stopMerging()
        guard let context else { return }
        context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: nil)
        exchangeEnded(context)
    }

    func receiveFailure() {
        stopMerging()
        current = .none
        context?.flush()
        context?.close(promise: nil)
    }

    func requestMayContinue() {
        if let context { continueReading(context) }
    }

    private func write(_ bytes: ByteBuffer) {
        context?.write(wrapOutboundOut(.body(bytes)), promise: nil)
    }
}

// MARK: - Streams of runs

extension ForwardingHandler {
    /// Prepares the stream of a run: the core API must not compress it, and sends it at once to a reader that reconnects.
    private func follow(
        _ run: RunID,
        _ streams: RunStreamSource,
        _ head: inout HTTPRequest
    ) {
        let resumed = ResumedStream(head)
        stream = MergedStream(run: run, source: streams, resumed: resumed, bearer: head.headerFields.bearer)
        if let resumed { head = resumed.request(instead: head) }
        if head.headerFields.contains(.acceptEncoding) { head.headerFields[.acceptEncoding] = "identity" }
    }

    /// The core API decides who may read a run's events: only a stream that it returns is merged with others.
    private func startMerging() {
        guard let stream, let context else { return }
        isMerging = true
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        stream.start(on: context.eventLoop) { handler.value.writeNews() }
    }

    private func stopMerging() {
        stream?.stop()
        stream = nil
        isMerging = false
    }

    /// Writes this service's events, unless the client has to read others before.
    private func writeNews() {
        guard let context, let stream, isMerging, context.channel.isWritable else { return }
        let news = stream.takeNews()
        guard !news.isEmpty else { return }
        for bytes in news { write(bytes) }
        context.flush()
    }
}
