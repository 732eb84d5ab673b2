public import NIOCore

/// The handshake of a ``TLSHandler`` is complete: an inbound user event.
public struct TLSHandshakeCompleted: Hashable, Sendable {}

/// Encrypts and decrypts the bytes of one connection with libssl.
///
/// Before the handshake is complete, writes wait; the channel's writability does not include them. If the handshake or the
/// connection fails, the next handler gets a ``TLSFailure``, and the channel is closed.
///
/// A client reports ``TLSFailure/truncated`` before the end of every connection that its peer has not ended with an alert, even
/// if the connection was idle.
public final class TLSHandler: ChannelDuplexHandler, RemovableChannelHandler {
    public typealias InboundIn = ByteBuffer
    public typealias InboundOut = ByteBuffer
    public typealias OutboundIn = ByteBuffer
    public typealias OutboundOut = ByteBuffer

    private enum Phase {
        case handshake
        case open
        /// The connection has failed or is being closed.
        case closed
    }

    let session: TLSSession
    private var phase = Phase.handshake
    private var isProcessing = false

    /// Whether the next handler has requested a read and got no data since.
    private var isReadRequested = false
    /// Whether no more data is expected.
    private var isInputEnded = false

    /// Data that is not encrypted yet, so that several small writes become one record: less than a record after the handshake.
    private var unsent = ByteBuffer()
    /// Succeeds when the channel has sent ``unsent``.
    private var unsentPromise: EventLoopPromise<Void>?
    private var isFlushRequested = false
    private var isOutputClosed = false

    /// Creates a client's handler.
    ///
    /// - Parameters:
    ///   - client: The trusted authorities.
    ///   - host: The DNS name or IP address for which the server's certificate must be valid.
    /// - Throws: ``TLSFailure/unusable(detail:)`` if the host is invalid.
    public init(client: TLSClientContext, host: String) throws(TLSFailure) {
        session = try TLSSession(client: client, host: host)
    }

    /// Creates a server's handler.
    ///
    /// - Parameter server: The server's certificate.
    /// - Throws: ``TLSFailure/unusable(detail:)`` without memory.
    public init(server: TLSServerContext) throws(TLSFailure) {
        session = try TLSSession(server: server)
    }

    // MARK: The connection's life

    public func handlerAdded(context: ChannelHandlerContext) {
        if context.channel.isActive { begin(context) }
    }

    public func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        begin(context)
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard phase == .handshake else { return }
        process(context)
        // The handshake continues even if no handler requests data.
        if phase == .handshake { context.read() }
    }

    public func channelInactive(context: ChannelHandlerContext) {
        endInput(context)
        phase = .closed
        failUnsent(ChannelError.ioOnClosedChannel)
        context.fireChannelInactive()
    }

    public func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event as? ChannelEvent == .inputClosed { endInput(context) }
        context.fireUserInboundEventTriggered(event)
    }

    /// The connection ended, and the peer has not sent `close_notify`: this would have changed ``phase``.
    private func endInput(_ context: ChannelHandlerContext) {
        guard !isInputEnded else { return }
        isInputEnded = true
        switch phase {
        case .handshake: fail(.handshake(.other, detail: "the peer closed the connection"), context)
        case .open where session.isClient: context.fireErrorCaught(TLSFailure.truncated)
        case .open, .closed: break
        }
    }

    public func handlerRemoved(context: ChannelHandlerContext) {
        phase = .closed
        failUnsent(ChannelError.ioOnClosedChannel)
    }

    private func fail(_ failure: TLSFailure, _ context: ChannelHandlerContext) {
        phase = .closed
        failUnsent(failure)
        context.fireErrorCaught(failure)
        context.close(promise: nil)
    }

    // MARK: Reading

    public func read(context: ChannelHandlerContext) {
        isReadRequested = true
        context.read()
    }

    public func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard phase != .closed else { return }
        session.receive(unwrapInboundIn(data))
        process(context)
    }

    public func channelReadComplete(context: ChannelHandlerContext) {
        // If what was read contained no data, the read that was requested continues.
        let isUnanswered = isReadRequested
        context.fireChannelReadComplete()
        if phase == .handshake || phase == .open && isUnanswered { context.read() }
    }

    /// Continues the handshake, and decrypts what has arrived. If a handler that is called from here passes on more bytes, the
    /// loop processes them, so that the data stays in order.
    private func process(_ context: ChannelHandlerContext) {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        repeat {
            if phase == .handshake { continueHandshake(context) }
            if phase == .open, session.receivedBytes > 0 { decrypt(context) }
        } while phase != .closed && session.receivedBytes > 0
    }

    private func continueHandshake(_ context: ChannelHandlerContext) {
        let status = session.handshake()
        sendEncrypted(context)
        guard phase == .handshake else { return }
        switch status {
        case .done:
            phase = .open
            context.fireUserInboundEventTriggered(TLSHandshakeCompleted())
            sendUnsent(context)
        case .needsInput:
            break
        case .ended:
            fail(.handshake(.other, detail: "the peer closed the connection"), context)
        case .failed(let failure):
            fail(failure, context)
        }
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        // The data is smaller than its records, except that libssl may hold the beginning of the first one.
        var data = context.channel.allocator.buffer(capacity: session.receivedBytes)
        let status = session.read(into: &data)
        if data.readableBytes > 0 {
            isReadRequested = false
            context.fireChannelRead(wrapInboundOut(data))
        }
        guard phase == .open else { return }
        // Reading can produce bytes to send: key updates and alerts.
        sendEncrypted(context)
        guard phase == .open else { return }
        switch status {
        case .done, .needsInput: if isFlushRequested { sendUnsent(context) }
        case .ended: close(context: context, mode: .all, promise: nil)
        case .failed(let failure): fail(failure, context)
        }
    }

    // MARK: Writing

    public func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard phase != .closed, !isOutputClosed else {
            promise?.fail(phase == .closed ? ChannelError.ioOnClosedChannel : ChannelError.outputClosed)
            return
        }
        let data = unwrapOutboundIn(data)
        // Does not copy long data.
        if data.readableBytes >= TLSSession.recordBytes { encryptUnsent(context) }
        if unsent.readableBytes == 0 {
            unsent = data
        } else {
            unsent.writeImmutableBuffer(data)
        }
        unsentPromise.setOrCascade(to: promise)
        if unsent.readableBytes >= TLSSession.recordBytes { encryptUnsent(context) }
    }

    public func flush(context: ChannelHandlerContext) {
        isFlushRequested = true
        sendUnsent(context)
    }

    public func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .input:
            isInputEnded = true
        case .output where phase == .handshake:
            // The alert that ends the output has to follow the handshake.
            promise?.fail(ChannelError.operationUnsupported)
            return
        case .output:
            closeOutput(context)
        case .all:
            closeOutput(context)
            phase = .closed
            failUnsent(ChannelError.ioOnClosedChannel)
        }
        context.close(mode: mode, promise: promise)
    }

    private func closeOutput(_ context: ChannelHandlerContext) {
        guard phase == .open, !isOutputClosed else { return }
        encryptUnsent(context)
        isOutputClosed = true
        session.endWriting()
        sendEncrypted(context)
    }

    private func sendUnsent(_ context: ChannelHandlerContext) {
        encryptUnsent(context)
        guard phase == .open, isFlushRequested, isUnsentEmpty else { return }
        isFlushRequested = false
        context.flush()
    }

    private var isUnsentEmpty: Bool { unsent.readableBytes == 0 && unsentPromise == nil }

    private func encryptUnsent(_ context: ChannelHandlerContext) {
        guard phase == .open, !isOutputClosed, !isUnsentEmpty else { return }
        switch session.write(unsent) {
        case .done:
            let promise = unsentPromise
            (unsent, unsentPromise) = (ByteBuffer(), nil)
            context.write(wrapOutboundOut(session.takeBytesToSend()), promise: promise)
        case .needsInput:
            // A part of a handshake message, such as a session ticket, has arrived. Its rest comes first.
            isFlushRequested = true
        case .ended:
            fail(.protocolViolation(detail: "the session has ended"), context)
        case .failed(let failure):
            fail(failure, context)
        }
    }

    private func failUnsent(_ error: any Error) {
        let promise = unsentPromise
        (unsent, unsentPromise) = (ByteBuffer(), nil)
        promise?.fail(error)
    }

    /// Sends what libssl has produced, such as handshake messages, at once.
    private func sendEncrypted(_ context: ChannelHandlerContext) {
        let bytes = session.takeBytesToSend()
        guard bytes.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }
}
