import Foundation
import NIOCore
import NIOPosix
import Synchronization

/// Sends the same HTTP/1.1 request repeatedly on some connections, each of which waits for the response before it sends
/// again, and counts the responses.
///
/// All responses have the same length, so that counting bytes is enough; its cost is negligible beside the server's.
final class LoadGenerator: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    /// - Parameters:
    ///   - request: The bytes of the request.
    ///   - duration: How long to continue.
    /// - Returns: The responses per second.
    func rate(port: Int, request: String, connections: Int, for duration: Duration) async throws -> Double {
        let answerLength = try await answerLength(port: port, request: request)
        let counter = AtomicCounter()
        var channels: [any Channel] = []
        let begun = ContinuousClock.now
        for _ in 0..<connections {
            channels.append(
                try await connect(port: port) {
                    Repeater(request: request, answerLength: answerLength, counter: counter)
                }
            )
        }
        try await Task.sleep(for: duration)
        let rate = Double(counter.count) / begun.duration(to: .now).seconds
        for channel in channels {
            guard channel.isActive else { throw Failure(description: "the server closed a connection under load") }
            try await channel.close()
        }
        return rate
    }

    func shutdown() async throws { try await group.shutdownGracefully() }

    private func connect(port: Int, _ handler: @escaping @Sendable () -> Repeater) async throws -> any Channel {
        try await ClientBootstrap(group: group)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(handler()) }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// Sends one request, and measures the response, which must be successful and have a length in its head.
    private func answerLength(port: Int, request: String) async throws -> Int {
        let (answers, source) = AsyncStream.makeStream(of: String.self)
        let channel = try await ClientBootstrap(group: group)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(FirstAnswer(request: request, source: source))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        guard let answer = await answers.first(where: { _ in true }) else {
            throw Failure(description: "the server did not answer")
        }
        try await channel.close()
        guard answer.hasPrefix("HTTP/1.1 200 ") else {
            throw Failure(description: "the server answered: \(answer.prefix(400))")
        }
        return answer.utf8.count
    }
}

private final class Repeater: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: ByteBuffer
    private let answerLength: Int
    private let counter: AtomicCounter
    private var received = 0

    init(request: String, answerLength: Int, counter: AtomicCounter) {
        self.request = ByteBuffer(string: request)
        self.answerLength = answerLength
        self.counter = counter
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received += unwrapInboundIn(data).readableBytes
        guard received >= answerLength else { return }
        received -= answerLength
        counter.add()
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }
}

/// Collects one response: the head, and as much of the body as the head announces.
private final class FirstAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: ByteBuffer
    private let source: AsyncStream<String>.Continuation
    private var answer = ""

    init(request: String, source: AsyncStream<String>.Continuation) {
        self.request = ByteBuffer(string: request)
        self.source = source
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answer += String(buffer: unwrapInboundIn(data))
        let parts = answer.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return }
        let length = parts[0].split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            .flatMap { Int($0.drop { $0 != ":" }.dropFirst().filter(\.isNumber)) }
        guard let length, parts[1].utf8.count >= length else { return }
        source.yield(answer)
    }

    func channelInactive(context: ChannelHandlerContext) { source.finish() }
}
