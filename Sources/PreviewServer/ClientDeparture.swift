internal import NIOCore

extension PreviewRequestContext {
    /// Runs `work`, and tells it when the client goes away: closes its connection or its half of it.
    ///
    /// Hummingbird's `consumeWithInboundCloseHandler` cannot be used for this once the body was read: the server stops
    /// with a failed precondition when the client leaves (hummingbird 2.28.1, `RequestBody+inboundClose.swift`).
    ///
    /// - Parameter work: Gets a sequence that yields once, when the client is gone.
    func withClientDeparture<Result>(_ work: (AsyncStream<Void>) async throws -> Result) async throws -> Result {
        let (departures, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let handler = DepartureHandler { source.yield() }
        // The first handler, because those behind it need not pass on what it looks for.
        try await channel.pipeline.addHandler(handler, position: .first).get()
        do {
            let result = try await work(departures)
            // It is gone already when the channel was closed meanwhile.
            try? await channel.pipeline.removeHandler(handler).get()
            return result
        } catch {
            try? await channel.pipeline.removeHandler(handler).get()
            throw error
        }
    }

    /// Runs `work`, and cancels it when the client goes away.
    func cancellingOnClientDeparture<Result: Sendable>(
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withClientDeparture { departures in
            try await withThrowingTaskGroup(of: Result?.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await work() }
                group.addTask {
                    for await _ in departures { break }
                    return nil
                }
                guard let result = try await group.next() ?? nil else { throw CancellationError() }
                return result
            }
        }
    }
}

/// Listens to what a channel says about its far end.
final class DepartureHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny

    private let onDeparture: @Sendable () -> Void

    init(onDeparture: @escaping @Sendable () -> Void) {
        self.onDeparture = onDeparture
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { onDeparture() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        onDeparture()
        context.fireChannelInactive()
    }
}
