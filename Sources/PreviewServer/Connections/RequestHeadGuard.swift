internal import NIOCore
internal import NIOHTTP1
internal import Router

/// Refuses HTTP/1 requests whose framing is ambiguous, as the parser reports them: behind it the fields that show it are
/// dropped or merged.
///
/// It also turns the absolute form of a target (RFC 9112 section 3.2.2) into path and host, without touching the path.
final class RequestHeadGuard: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// True once a request was refused: what follows on the connection is not read.
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

    /// - Returns: Whether it was in absolute form. The host of the target counts, not that of the field.
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
