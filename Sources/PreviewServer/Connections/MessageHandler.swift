internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import Router

/// Observes the requests and responses of one connection.
///
/// It responds to input that never becomes a request (a head that is too large or not HTTP), limits the time and the
/// size of bodies, removes the body from responses to `HEAD`, and closes a connection so that its last response
/// arrives.
final class MessageHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let limits: ConnectionLimits
    private let draining: Draining
    /// Whether the core API's requests are forwarded (``ForwardingHandler``).
    private let isForwarding: Bool
    private var flow: MessageFlow
    private var connection: ConnectionHandler?
    private var requestStart: RequestStart?
    /// Whether the parser stops after the request that is being read, because it offers another protocol or a tunnel. No later
    /// request can be read then.
    private var isLastRead = false
    /// True while a request was reported to the connection, and its end was not.
    private var isCounted = false
    /// Limits the time of a request's body, or that after the last response.
    private var timer: Scheduled<Void>?

    init(limits: ConnectionLimits, draining: Draining, isForwarding: Bool) {
        self.limits = limits
        self.draining = draining
        self.isForwarding = isForwarding
        flow = MessageFlow(maxBodyBytes: limits.maxBodyBytes, maxLingeringBytes: limits.maxLingeringBytes)
    }

    // MARK: Channel

    func handlerAdded(context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        connection = try? pipeline.handler(type: ConnectionHandler.self)
        if let parser = try? pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            let start = RequestStart()
            if (try? pipeline.addHandler(start, position: .before(parser))) != nil { requestStart = start }
            try? pipeline.addHandler(HTTP10Handler(), position: .after(parser))
            if isForwarding { try? pipeline.addHandler(RequestHeadGuard(), position: .after(parser)) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent, finishesUnread(context) { return }
        if event is ChannelShouldQuiesceEvent || event is LastRequest { flow.stop() }
        context.fireUserInboundEventTriggered(event)
    }

    /// Ends a connection without requests whose client has not read the last response yet: later handlers would close it.
    ///
    /// - Returns: False if this does not apply.
    private func finishesUnread(_ context: ChannelHandlerContext) -> Bool {
        guard !flow.isLingering else { return true }
        let unread = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        guard !flow.isBusy, unread ?? 0 > 0 else { return false }
        flow.respondedOutOfTurn()
        finish(context)
        return true
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let action: MessageFlow.Inbound
        switch unwrapInboundIn(data) {
        case .head(let head):
            isLastRead = head.headerFields.contains(.upgrade) || head.method == .connect
            action = flow.headArrived(
                declaredBytes: head.headerFields[.contentLength].flatMap { Int($0) },
                isHEAD: head.method == .head,
                isForwarded: isForwarding && ForwardingHandler.forwards(head)
            )
            if action == .forward { began(head, context: context) }
        case .body(let bytes):
            action = flow.bodyArrived(byteCount: bytes.readableBytes)
        case .end:
            action = flow.endArrived()
            if isLastRead { flow.stop() }
            requestStart?.requestEnded(isLast: isLastRead)
            // After the last response, the timer is that of the connection's end.
            if !flow.isLingering {
                timer?.cancel()
                timer = nil
            }
        }
        switch action {
        case .forward: context.fireChannelRead(data)
        case .discard: break
        case .close: context.close(promise: nil)
        }
        updateConnection()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // Not with the head: most bodies arrive with it.
        if flow.isReading, !flow.isReadingForwardedRequest, timer == nil {
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.bodyTimeout)) {
                self.bodyTimedOut(context)
            }
        }
        context.fireChannelReadComplete()
    }

    /// Clients wait for the "100 Continue" that they request (RFC 9110, 10.1.1). The core API answers those whose requests are
    /// forwarded.
    private func began(_ head: HTTPRequest, context: ChannelHandlerContext) {
        guard !flow.isReadingForwardedRequest, head.headerFields[.expect]?.lowercased() == "100-continue",
            flow.isReading, flow.mayRespondOutOfTurn, !flow.isTooLarge
        else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
    }

    private func bodyTimedOut(_ context: ChannelHandlerContext) {
        timer = nil
        guard flow.isReading, !flow.isReadingForwardedRequest else { return }
        respondOutOfTurn(.requestTimeout, "The request's body did not arrive in time. Send it again.", context: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is HTTPParserError where flow.isLingering:
            context.close(promise: nil)
        case HTTPParserError.headerOverflow:
            respondOutOfTurn(
                .requestHeaderFieldsTooLarge,
                """
                The request's header is too large: at most \(limits.maxHeaderFields) fields of \
                \(limits.maxHeaderFieldBytes) bytes each, and \(limits.maxHeaderListBytes) bytes in all, are accepted.
                """,
                context: context
            )
        case is HTTPParserError:
            respondOutOfTurn(.badRequest, "The request is not valid HTTP.", context: context)
        default:
            // Also characters in a request's target that HTTP allows and the server's types do not.
            context.fireErrorCaught(error)
        }
    }

    // MARK: Responses

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !flow.isLingering else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head) where head.status.kind != .informational:
            if head.headerFields[.connection] == "close" || isLastWhileDraining { flow.stop() }
            let isLast = flow.responseHeadSent(isError: head.status.code >= 400)
            head.headerFields[.connection] = isLast ? "close" : nil
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body where flow.nextResponseIsToHEAD:
            context.write(wrapOutboundOut(.body(ByteBuffer())), promise: promise)
        case .head, .body:
            context.write(data, promise: promise)
        case .end:
            // The HTTP/1 encoder would end a body of unknown length, which is removed here, with an empty chunk.
            context.write(flow.nextResponseIsToHEAD ? wrapOutboundOut(.body(ByteBuffer())) : data, promise: promise)
            if flow.responseEndSent() == .finish { finish(context) }
            updateConnection()
        }
    }

    /// While the replica drains, a client has to send its next request on another connection, which may lead to another
    /// replica.
    private var isLastWhileDraining: Bool {
        draining.hasBegun && flow.nextResponseIsToNewestRequest
    }

    private func respondOutOfTurn(
        _ status: HTTPResponse.Status,
        _ message: String,
        context: ChannelHandlerContext
    ) {
        guard flow.mayRespondOutOfTurn else {
            // The response to an earlier request, which is pending, is the last one.
            flow.hasUnanswered ? flow.stop() : context.close(promise: nil)
            return
        }
        let isHEAD = flow.hasUnanswered ? flow.nextResponseIsToHEAD : requestStart?.isHEAD == true
        let body = ByteBuffer(string: "{\"error\":\"\(message)\"}")
        var headers: HTTPFields = SecurityHeaders.fields
        headers[.contentType] = "application/json; charset=utf-8"
        headers[.contentLength] = "\(body.readableBytes)"
        headers[.connection] = "close"
        flow.respondedOutOfTurn()
        context.write(wrapOutboundOut(.head(HTTPResponse(status: status, headerFields: headers))), promise: nil)
        if !isHEAD { context.write(wrapOutboundOut(.body(body)), promise: nil) }
        context.write(wrapOutboundOut(.end(nil)), promise: nil)
        finish(context)
        updateConnection()
    }

    /// Flushes all writes, closes the sending side when everything was sent, and then gives the client a moment to read.
    private func finish(_ context: ChannelHandlerContext) {
        context.flush()
        timer?.cancel()
        timer = nil
        let isSent = context.eventLoop.makePromise(of: Void.self)
        isSent.futureResult.assumeIsolated().whenComplete { [self] _ in
            guard context.channel.isActive else { return }
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(limits.lingerTimeout)) {
                context.close(promise: nil)
            }
        }
        context.close(mode: .output, promise: isSent)
        context.fireUserInboundEventTriggered(LastResponseSent())
    }

    // MARK: Events of the connection

    private func updateConnection() {
        connection?.isForwarding = flow.nextResponseIsForwarded
        guard flow.isBusy != isCounted else { return }
        isCounted = flow.isBusy
        if isCounted {
            connection?.exchangeBegan()
        } else {
            connection?.exchangeEnded()
        }
    }

    private func end() {
        timer?.cancel()
        timer = nil
        if isCounted { connection?.exchangeEnded() }
        isCounted = false
        connection = nil
        requestStart = nil
    }
}

/// Tells a connection that it sends no further response.
struct LastResponseSent: Sendable {}

/// Refuses HTTP/1 requests with ambiguous framing, as the parser reports them: later handlers do not see the fields
/// that show it.
///
/// It also converts the absolute form of a target (RFC 9112 section 3.2.2) into path and host, and leaves the path
/// unchanged.
final class RequestHeadGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// True once a request was refused: the rest of the connection is not read.
    private var isRefusing = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isRefusing else { return }
        guard case .head(var head) = unwrapInboundIn(data) else { return context.fireChannelRead(data) }
        let fields = head.headers.lazy.map { (name: $0.name, value: $0.value) }
        if FramingCheck.violation(in: fields, isHTTP11: head.version.minor >= 1) != nil {
            isRefusing = true
            context.fireErrorCaught(HTTPParserError.invalidHeaderToken)
            return
        }
        if makeOriginForm(&head) {
            context.fireChannelRead(wrapInboundOut(.head(head)))
        } else {
            context.fireChannelRead(data)
        }
    }

    /// - Returns: Whether it was in absolute form. The host of the target applies, not that of the field.
    private func makeOriginForm(_ head: inout HTTPRequestHead) -> Bool {
        guard head.uri.utf8.first != UInt8(ascii: "/"), head.method != .CONNECT,
            let start = head.uri.firstRange(of: "://")?.upperBound
        else { return false }
        let rest = head.uri[start...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest[authority.endIndex...]
        head.headers.replaceOrAdd(name: "Host", value: String(authority))
        head.uri = path.first == "/" ? String(path) : "/" + path
        return true
    }
}
