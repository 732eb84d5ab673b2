internal import NIOCore

/// Looks at the first bytes of each request on an HTTP/1 connection, since the parser does not say of a request that it
/// cannot read whether it was a `HEAD`.
///
/// A request that came in the same read as the end of the one before is not seen. An error in it ends the connection in
/// any case.
final class RequestStart: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum State {
        /// So many bytes were as they are in a `HEAD`.
        case matching(Int)
        case decided(isHEAD: Bool)
    }

    private static let method = Array("HEAD ".utf8)

    private var state = State.matching(0)

    /// Whether the request that is being read begins as a `HEAD`.
    var isHEAD: Bool {
        if case .decided(isHEAD: true) = state { true } else { false }
    }

    /// A request was read to its end.
    func requestEnded() {
        state = .matching(0)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .matching(let count) = state { look(at: unwrapInboundIn(data), matched: count) }
        context.fireChannelRead(data)
    }

    private func look(at bytes: ByteBuffer, matched: Int) {
        var matched = matched
        for byte in bytes.readableBytesView {
            // Empty lines before a request are ignored (RFC 9112, 2.2).
            if matched == 0, byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { continue }
            guard byte == Self.method[matched] else {
                state = .decided(isHEAD: false)
                return
            }
            matched += 1
            if matched == Self.method.count {
                state = .decided(isHEAD: true)
                return
            }
        }
        state = .matching(matched)
    }
}
