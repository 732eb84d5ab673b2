import Hummingbird
import NIOCore
import ServiceLifecycle
import TestSupport

@testable import PreviewServer

/// A server on loopback, in this process, with its real connections.
enum LiveServer {
    private struct DidNotStart: Error {}

    /// Runs the server until `body` returns, then shuts it down gracefully.
    ///
    /// - Parameters:
    ///   - application: Creates the server; gets the function to call once it listens.
    ///   - body: Gets the port and the service group of the server.
    static func run<Result: Sendable>(
        draining: Draining = Draining(),
        _ application: (@escaping @Sendable (any Channel) async -> Void) throws -> some ApplicationProtocol,
        _ body: @Sendable (_ port: Int, _ services: ServiceGroup) async throws -> Result
    ) async throws -> Result {
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = try application { channel in
            if let port = channel.localAddress?.port { source.yield(port) }
        }
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: application), .init(service: draining)],
                logger: .silent
            )
        )
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

    /// Runs a server that answers every request with `responder`.
    static func run<Result: Sendable>(
        _ limits: ConnectionLimits,
        responder: @escaping @Sendable (Request, PreviewRequestContext) async throws -> Response,
        _ body: @Sendable (_ port: Int) async throws -> Result
    ) async throws -> Result {
        try await run { onRunning in
            Application(
                responder: CallbackResponder<PreviewRequestContext>(callback: responder),
                server: .watched(limits),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: .silent
            )
        } _: { port, _ in
            try await body(port)
        }
    }
}
