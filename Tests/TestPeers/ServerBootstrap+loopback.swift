internal import NIOCore
internal import NIOPosix

extension ServerBootstrap {
    /// Listens at a free port on 127.0.0.1.
    ///
    /// - Parameter addHandlers: Adds the handlers of a new connection.
    static func loopback(
        _ addHandlers: @escaping @Sendable (ChannelPipeline.SynchronousOperations) throws -> Void
    ) async throws -> any Channel {
        try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try addHandlers(channel.pipeline.syncOperations) }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }
}

extension Channel {
    /// Runs `body` with the port on which the channel listens, then closes the channel.
    func whileOpen<Result: Sendable>(_ body: (_ port: Int) async throws -> Result) async throws -> Result {
        do {
            let result = try await body(localAddress?.port ?? 0)
            // A peer may have closed it already.
            if isActive { try await close() }
            return result
        } catch {
            // The first failure is the one to report.
            try? await close()
            throw error
        }
    }
}
