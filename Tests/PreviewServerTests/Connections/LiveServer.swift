import Hummingbird
import TestPeers
import TestSupport

@testable import PreviewServer

/// A server on loopback, in this process, with its real connections.
enum LiveServer {
    /// Runs a server that answers every request with `responder`.
    static func run<Result: Sendable>(
        _ limits: ConnectionLimits,
        responder: @escaping @Sendable (Request, PreviewRequestContext) async throws -> Response,
        _ body: @Sendable (_ port: Int) async throws -> Result
    ) async throws -> Result {
        try await LoopbackServer.run { onRunning in
            Application(
                responder: CallbackResponder<PreviewRequestContext>(callback: responder),
                server: .limited(limits),
                configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
                onServerRunning: onRunning,
                logger: .silent
            )
        } _: { port, _ in
            try await body(port)
        }
    }
}
