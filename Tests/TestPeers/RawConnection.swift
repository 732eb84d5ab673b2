internal import NIOCore
internal import NIOPosix

/// A client's connection to a server on loopback, for tests that choose exactly what is sent, read a response piece by
/// piece, and disconnect at any point.
public struct RawConnection: ~Copyable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private var inbound: NIOAsyncChannelInboundStream<ByteBuffer>.AsyncIterator
    private var unread = ""

    private init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        self.outbound = outbound
        self.inbound = inbound.makeAsyncIterator()
    }

    /// Connects to 127.0.0.1, and closes the connection when `body` ends.
    public static func open<Result: Sendable>(
        port: Int,
        _ body: (inout RawConnection) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        return try await channel.executeThenClose { inbound, outbound in
            var connection = RawConnection(inbound, outbound)
            return try await body(&connection)
        }
    }

    public func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }

    /// Reads until `text` has arrived.
    ///
    /// - Returns: What arrived since the last read, up to the end of `text`.
    /// - Throws: ``Closed`` with what has arrived, if the server closes the connection first.
    public mutating func read(until text: String) async throws -> String {
        while true {
            if let found = unread.firstRange(of: text) {
                defer { unread = String(unread[found.upperBound...]) }
                return String(unread[..<found.upperBound])
            }
            guard let buffer = try await inbound.next() else { throw Closed(received: unread) }
            unread += String(buffer: buffer)
        }
    }

    /// The server closed the connection.
    public struct Closed: Error {
        public let received: String
    }
}
