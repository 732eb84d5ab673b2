internal import NIOCore
internal import NIOHTTP1

/// Answers requests of HTTP/1.0 with HTTP/1.0.
///
/// Such a client does not know chunks, so a body of unknown length ends with the connection (RFC 9112, 6.3), and it
/// does not know interim responses (RFC 9110, 15.2).
final class HTTP10Handler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// True once a request of HTTP/1.0 was read: its response is the last one of the connection.
    private var isHTTP10 = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head(let head) = unwrapInboundIn(data), head.version.minor == 0 {
            isHTTP10 = true
            context.fireUserInboundEventTriggered(LastRequest())
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isHTTP10, case .head(var head) = unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        guard head.status.code >= 200 else {
            promise?.succeed()
            return
        }
        head.version = .http1_0
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}

/// Tells a connection that the next request is its last one.
struct LastRequest: Sendable {}
