import COpenSSL
import HummingbirdCore
import Logging
import NIOCore

/// Adds TLS by libssl to HTTP connections.
struct TLSServerChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    let context: TLSServerContext

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(TLSServerHandler(context))
        }
        .flatMap { base.setup(channel: channel, logger: logger) }
    }

    func handle(value: Base.Value, logger: Logger) async {
        await base.handle(value: value, logger: logger)
    }
}

/// Terminates TLS on one connection: it decrypts what is read and encrypts what is written.
///
/// libssl uses two memory buffers; this handler copies bytes between them and the channel.
final class TLSServerHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The handshake failed, or the client violated the protocol.
    struct Failure: Error {}

    /// The maximum plaintext of a record, in bytes (RFC 8446, 5.1).
    private static let recordBytes = 16 * 1024

    private let session: OpaquePointer
    /// The memory buffers. The session owns them.
    private let received: OpaquePointer
    private let toSend: OpaquePointer
    /// Data that was written before the handshake was complete.
    private var waiting: [(data: ByteBuffer, promise: EventLoopPromise<Void>?)] = []
    private var isOpen = true

    init(_ context: TLSServerContext) throws {
        guard let session = SSL_new(context.pointer) else { throw Failure() }
        guard let received = BIO_new(BIO_s_mem()), let toSend = BIO_new(BIO_s_mem()) else {
            SSL_free(session)
            throw Failure()
        }
        SSL_set_bio(session, received, toSend)
        SSL_set_accept_state(session)
        (self.session, self.received, self.toSend) = (session, received, toSend)
    }

    deinit { SSL_free(session) }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        bytes.withUnsafeReadableBytes { buffer in
            // A memory buffer accepts all bytes.
            _ = BIO_write(received, buffer.baseAddress, Int32(buffer.count))
        }
        decrypt(context)
    }

    private func decrypt(_ context: ChannelHandlerContext) {
        while isOpen {
            var plain = context.channel.allocator.buffer(capacity: Self.recordBytes)
            var result: Int32 = 0
            ERR_clear_error()
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordBytes) { buffer in
                result = SSL_read(session, buffer.baseAddress, Int32(buffer.count))
                return max(Int(result), 0)
            }
            let status = SSL_get_error(session, result)
            // Reading can produce data to send: handshake messages and key updates.
            sendEncrypted(context)
            switch status {
            case SSL_ERROR_NONE:
                context.fireChannelRead(wrapInboundOut(plain))
            case SSL_ERROR_WANT_READ:
                writeWaiting(context)
                return
            case SSL_ERROR_ZERO_RETURN:
                context.close(promise: nil)
                return
            default:
                context.fireErrorCaught(Failure())
                context.close(promise: nil)
                return
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOpen = false
        for (_, promise) in waiting { promise?.fail(ChannelError.ioOnClosedChannel) }
        waiting = []
        context.fireChannelInactive()
    }

    // MARK: Writing

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        waiting.append((unwrapOutboundIn(data), promise))
        writeWaiting(context)
    }

    private func writeWaiting(_ context: ChannelHandlerContext) {
        guard isOpen, SSL_is_init_finished(session) == 1, !waiting.isEmpty else { return }
        for (data, promise) in waiting {
            guard data.readableBytes > 0 else {
                context.write(wrapOutboundOut(data), promise: promise)
                continue
            }
            ERR_clear_error()
            let isWritten = data.withUnsafeReadableBytes { buffer in
                SSL_write(session, buffer.baseAddress, Int32(buffer.count)) == Int32(buffer.count)
            }
            guard isWritten else {
                promise?.fail(Failure())
                continue
            }
            context.write(wrapOutboundOut(encrypted(context)), promise: promise)
        }
        waiting = []
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        if isOpen, mode != .input {
            // Sends the alert `close_notify` (RFC 8446, 6.1).
            _ = SSL_shutdown(session)
            sendEncrypted(context)
            isOpen = mode == .output
        }
        context.close(mode: mode, promise: promise)
    }

    private func sendEncrypted(_ context: ChannelHandlerContext) {
        guard BIO_ctrl_pending(toSend) > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(encrypted(context)), promise: nil)
    }

    private func encrypted(_ context: ChannelHandlerContext) -> ByteBuffer {
        let count = BIO_ctrl_pending(toSend)
        var bytes = context.channel.allocator.buffer(capacity: count)
        bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { buffer in
            max(Int(BIO_read(toSend, buffer.baseAddress, Int32(buffer.count))), 0)
        }
        return bytes
    }
}
