public import Hummingbird
public import NIOCore
public import ServiceLifecycle
internal import TestSupport

/// An HTTP server on loopback, in this process.
public enum LoopbackServer {
    private struct DidNotStart: Error {}

    /// Runs the server until `body` returns, then shuts it down gracefully: a server that is cancelled while an HTTP/2
    /// stream arrives traps in NIO.
    ///
    /// - Parameters:
    ///   - others: Services that run beside the server.
    ///   - application: Creates the server; gets the function to call once it listens.
    ///   - body: Gets the port and the service group of the server.
    public static func run<Result: Sendable>(
        beside others: [any Service] = [],
        _ application: (@escaping @Sendable (any Channel) async -> Void) throws -> some ApplicationProtocol,
        _ body: @Sendable (_ port: Int, _ services: ServiceGroup) async throws -> Result
    ) async throws -> Result {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = try application { channel in
            if let port = channel.localAddress?.port { source.yield(port) }
        }
        let services = ServiceGroup(services: [application as any Service] + others, logger: .silent)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { source.finish() }
                try await services.run()
            }
            guard let port = await ports.first(where: { _ in true }) else {
                try await group.waitForAll()
                throw DidNotStart()
            }
            do {
                let result = try await body(port, services)
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
                return result
            } catch {
                await services.triggerGracefulShutdown()
                throw error
            }
        }
    }
}
