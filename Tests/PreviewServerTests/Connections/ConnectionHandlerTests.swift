import NIOCore
import NIOEmbedded
import PrometheusMetrics
import Testing

@testable import PreviewServer

@Suite("The handler of a connection", .timeLimit(.minutes(10)))
struct ConnectionHandlerTests {
    private let limits: ConnectionLimits = {
        var limits = ConnectionLimits()
        limits.maxConnections = 3
        return limits
    }()

    private func connect(_ registry: ConnectionRegistry, on eventLoop: EmbeddedEventLoop) throws -> EmbeddedChannel {
        let handler = ConnectionHandler(limits: limits, registry: registry)
        let channel = EmbeddedChannel(handler: handler, loop: eventLoop)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func handler(of channel: EmbeddedChannel) throws -> ConnectionHandler {
        try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self)
    }

    @Test func closedConnectionsAreCountedFromZero() {
        let metrics = PrometheusRegistry()
        let registry = ConnectionRegistry(maxConnections: 1, metrics: metrics)
        #expect(metrics.text.contains(#"preview_gateway_connections_closed_total{reason="refused"} 0"#))
        registry.countClosed(.refused)
        #expect(metrics.text.contains(#"preview_gateway_connections_closed_total{reason="refused"} 1"#))
    }

    @Test func aSlowHeadIsCutOffOnTime() throws {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(maxConnections: limits.maxConnections)
        let channel = try connect(registry, on: eventLoop)
        for _ in 0..<9 {
            eventLoop.advanceTime(by: .seconds(1))
            try channel.writeInbound(ByteBuffer(string: "x"))
            #expect(channel.isActive)
        }
        eventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
        #expect(registry.count == 0)
    }

    @Test func aConnectionIsClosedAfterAPauseAndNotWhileItServes() throws {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(maxConnections: limits.maxConnections)
        let channel = try connect(registry, on: eventLoop)
        try handler(of: channel).exchangeBegan()
        eventLoop.advanceTime(by: .hours(1))
        #expect(channel.isActive)
        try handler(of: channel).exchangeEnded()
        eventLoop.advanceTime(by: .seconds(74))
        #expect(channel.isActive)
        eventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func afterAPauseTheNextHeadHasItsOwnTime() throws {
        let eventLoop = EmbeddedEventLoop()
        let channel = try connect(ConnectionRegistry(maxConnections: 3), on: eventLoop)
        try handler(of: channel).exchangeBegan()
        try handler(of: channel).exchangeEnded()
        eventLoop.advanceTime(by: .seconds(5))
        try channel.writeInbound(ByteBuffer(string: "G"))
        eventLoop.advanceTime(by: .seconds(10))
        #expect(!channel.isActive)
    }

    @Test func aClientThatDoesNotReadIsDisconnected() throws {
        let eventLoop = EmbeddedEventLoop()
        let channel = try connect(ConnectionRegistry(maxConnections: 3), on: eventLoop)
        try handler(of: channel).exchangeBegan()
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        eventLoop.advanceTime(by: .seconds(30))
        #expect(!channel.isActive)
    }

    @Test func aFullServerMakesRoomByTheConnectionThatHasGoneLongestWithoutARequest() throws {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(maxConnections: limits.maxConnections)
        let first = try connect(registry, on: eventLoop)
        let second = try connect(registry, on: eventLoop)
        let third = try connect(registry, on: eventLoop)
        // The first was used last, so the second has been idle longest.
        try handler(of: first).exchangeBegan()
        try handler(of: first).exchangeEnded()
        let fourth = try connect(registry, on: eventLoop)
        eventLoop.run()
        #expect([first, second, third, fourth].map(\.isActive) == [true, false, true, true])
        #expect(registry.count == 3)
    }

    @Test func whenAllConnectionsServeTheNewOneGoes() throws {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(maxConnections: limits.maxConnections)
        let busy = try (0..<3).map { _ in try connect(registry, on: eventLoop) }
        for channel in busy { try handler(of: channel).exchangeBegan() }
        let late = try connect(registry, on: eventLoop)
        eventLoop.run()
        #expect(busy.map(\.isActive) == [true, true, true])
        #expect(!late.isActive)
        #expect(registry.count == 3)
    }

    @Test func theOrderOfIdleConnectionsStaysSmallHoweverOftenTheyAreUsed() throws {
        let eventLoop = EmbeddedEventLoop()
        let registry = ConnectionRegistry(maxConnections: limits.maxConnections)
        let channel = try connect(registry, on: eventLoop)
        for _ in 0..<10_000 {
            try handler(of: channel).exchangeBegan()
            try handler(of: channel).exchangeEnded()
        }
        #expect(registry.rememberedMarkCount < 100)
    }

    @Test func bytesAfterTheLastRequestDoNotReachTheParser() throws {
        let start = RequestStart()
        let channel = EmbeddedChannel(handler: start)
        for (isLast, passes) in [(false, true), (true, true), (true, false)] {
            try channel.writeInbound(ByteBuffer(string: "GET /"))
            let read = try channel.readInbound(as: ByteBuffer.self)
            #expect((read != nil) == passes)
            start.requestEnded(isLast: isLast)
        }
    }
}
