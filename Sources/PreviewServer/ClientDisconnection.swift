internal import NIOCore

extension PreviewRequestContext {
    /// Runs `work`, and notifies it when the client closes its connection or its half of it.
    ///
    /// Hummingbird's `consumeWithInboundCloseHandler` cannot be used for this after the body was read: the server stops
    /// with a failed precondition when the client disconnects (hummingbird 2.28.1, `RequestBody+inboundClose.swift`).
    ///
    /// - Parameter work: Gets a sequence that yields once, when the client has disconnected.
    func withClientDisconnection<Result>(_ work: (AsyncStream<Void>) async throws -> Result) async throws -> Result {
        let (disconnections, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let handler = DisconnectionHandler { source.yield() }
        // The first handler, because later ones need not forward the event that it waits for.
        try await channel.pipeline.addHandler(handler, position: .first).get()
        do {
            let result = try await work(disconnections)
            // The client has already disconnected if the channel was closed in the meantime.
            try? await channel.pipeline.removeHandler(handler).get()
            return result
        } catch {
            try? await channel.pipeline.removeHandler(handler).get()
            throw error
        }
    }

    /// Runs `work`, and cancels it when the client disconnects.
    func cancellingOnClientDisconnection<Result: Sendable>(
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withClientDisconnection { disconnections in
            try await withThrowingTaskGroup(of: Result?.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await work() }
                group.addTask {
                    for await _ in disconnections { break }
                    return nil
                }
                guard let result = try await group.next() ?? nil else { throw CancellationError() }
                return result
            }
        }
    }
}

/// Observes the closing of a channel by its peer.
final class DisconnectionHandler: ChannelInboundHandler, RemovableChannelHandler, Sendable {
    typealias InboundIn = NIOAny

    private let onDisconnection: @Sendable () -> Void

    init(onDisconnection: @escaping @Sendable () -> Void) {
        self.onDisconnection = onDisconnection
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .some(.inputClosed) = event as? ChannelEvent { onDisconnection() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        onDisconnection()
        context.fireChannelInactive()
    }
}
