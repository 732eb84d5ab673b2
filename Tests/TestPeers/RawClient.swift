import NIOCore
import NIOPosix

/// A TCP client on loopback that sends exactly the bytes that a test chooses, also those that no ordinary client sends,
/// reads a response piece by piece, and disconnects at any point.
public actor RawClient {
    private let channel: any Channel
    private let chunks: AsyncStream<[UInt8]>
    private var received: [UInt8] = []
    /// The number of bytes that ``read(until:)`` has returned.
    private var readCount = 0

    private init(channel: any Channel, chunks: AsyncStream<[UInt8]>) {
        self.channel = channel
        self.chunks = chunks
    }

    /// Connects to a port on 127.0.0.1.
    ///
    /// - Parameter reading: False leaves everything that the server sends in the kernel's buffers.
    public static func connect(to port: Int, reading: Bool = true) async throws -> RawClient {
        let (chunks, source) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.autoRead, value: reading)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Receiver(source: source))
                }
            }
            .connect(host: "127.0.0.1", port: port)
            .get()
        return RawClient(channel: channel, chunks: chunks)
    }

    /// Connects to a port on 127.0.0.1, and closes the connection when `body` ends.
    public static func open<Result: Sendable>(
        port: Int,
        _ body: (RawClient) async throws -> Result
    ) async throws -> Result {
        let client = try await connect(to: port)
        let result: Result
        do { result = try await body(client) } catch {
            try? await client.close()
            throw error
        }
        try? await client.close()
        return result
    }

    /// - Throws: If the server has reset the connection.
    public func send(_ text: String) async throws {
        try await channel.writeAndFlush(ByteBuffer(string: text)).get()
    }

    /// Begins to read what the server sends.
    public func startReading() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    /// Everything received so far, once `isEnough` returns true for it or the server has closed.
    @discardableResult
    public func receive(until isEnough: (String) -> Bool) async -> String {
        String(decoding: await receiveBytes { isEnough(String(decoding: $0, as: UTF8.self)) }, as: UTF8.self)
    }

    /// Like ``receive(until:)``, for data that may end within a character.
    public func receiveBytes(until isEnough: ([UInt8]) -> Bool) async -> [UInt8] {
        guard !isEnough(received) else { return received }
        for await chunk in chunks {
            received += chunk
            if isEnough(received) { break }
        }
        return received
    }

    /// Reads until `text` has arrived.
    ///
    /// - Returns: What arrived since the last such read, up to the end of `text`.
    /// - Throws: ``Closed`` with what has arrived, if the server closes the connection first.
    public func read(until text: String) async throws -> String {
        let count = readCount
        let bytes = await receiveBytes { String(decoding: $0[count...], as: UTF8.self).firstRange(of: text) != nil }
        let unread = String(decoding: bytes[count...], as: UTF8.self)
        guard let found = unread.firstRange(of: text) else { throw Closed(received: unread) }
        let read = String(unread[..<found.upperBound])
        readCount += read.utf8.count
        return read
    }

    /// The server closed the connection.
    public struct Closed: Error {
        public let received: String
    }

    /// Everything received, once the server has closed its side.
    @discardableResult
    public func receiveAll() async -> String {
        await receive { _ in false }
    }

    /// Returns once either side has closed the connection.
    public func waitUntilClosed() async throws {
        try await channel.closeFuture.get()
    }

    public func close() async throws {
        try await channel.close()
    }

    private final class Receiver: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let source: AsyncStream<[UInt8]>.Continuation

        init(source: AsyncStream<[UInt8]>.Continuation) {
            self.source = source
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            source.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case .some(.inputClosed) = event as? ChannelEvent { source.finish() }
        }

        func channelInactive(context: ChannelHandlerContext) {
            source.finish()
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            source.finish()
            context.close(promise: nil)
        }
    }
}
