import HTTPTypes
import Hummingbird
import Logging

/// A stand-in for the platform's core API, with the requests that a front end sends besides those about previews, for runs of
/// one owner.
///
/// Like the platform's, it shows a run only to its owner, responds with 403 to the service key, accepts no events, and writes a
/// run's event stream with ids. It knows nothing of previews; the router adds them to what its clients receive.
package struct DevelopmentCoreAPI: Sendable {
    /// The maximum size of a body, in bytes.
    private static let maxBodyBytes = 65_536
    private static let lastEventID = HTTPField.Name("Last-Event-ID")

    private let issuer: TokenIssuer
    private let owner: String
    private let serviceKey: String

    /// - Parameters:
    ///   - issuer: The issuer of the owner's access tokens.
    ///   - owner: The owner of all runs.
    ///   - serviceKey: The service key. A secret.
    package init(issuer: TokenIssuer, owner: String, serviceKey: String) {
        self.issuer = issuer
        self.owner = owner
        self.serviceKey = serviceKey
    }

    /// Serves on 127.0.0.1 while `body` runs.
    ///
    /// - Parameter body: Called with the port. Its clients must have disconnected when it returns.
    package func serve<Result: Sendable>(
        _ body: @escaping @Sendable (_ port: Int) async throws -> Result
    ) async throws -> Result {
        let (ports, source) = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingOldest(1))
        var logger = Logger(label: "devcluster.core-api")
        // Hummingbird logs the cancellation that stops the server as an error.
        logger.logLevel = .critical
        let application = Application(
            router: router(),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0), serverName: "core-api"),
            onServerRunning: { channel in if let port = channel.localAddress?.port { source.yield(port) } },
            logger: logger
        )
        return try await withBackground("the core API") {
            try await application.run()
        } body: {
            guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
            return try await body(port)
        }
    }

    // MARK: Routes

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/api/runs/:run") { request, context in
            try answer(request, context) { run in
                Self.json([
                    "id": .string(run), "status": "in_progress", "submitting_user": .string(owner),
                    "parent_run_id": .null,
                    "auto_approve_tools": false,
                ])
            }
        }
        router.get("/api/runs/:run/stream") { request, context in
            try answer(request, context) { run in stream(request, run) }
        }
        router.post("/api/runs/:run/events") { _, _ in
            Self.error(.methodNotAllowed, "Events cannot be posted.")
        }
        for decision in ["tool-approvals", "tool-denials"] {
            router.post("/api/runs/:run/\(decision)") { request, context in
                try answer(request, context) { _ in Self.error(.notFound, "No approval with this id is pending.") }
            }
        }
        router.post("/api/runs/:run/auto-approve") { request, context in
            let body = try await request.body.collect(upTo: Self.maxBodyBytes)
            let isEnabled = (try? JSONParser.value(of: Array(buffer: body)))?["enabled"]?.boolValue ?? false
            return try answer(request, context) { run in
                Self.json(["run_id": .string(run), "auto_approve_tools": .bool(isEnabled)])
            }
        }
        return router
    }

    /// Responds to the run's owner, and refuses all others.
    private func answer(
        _ request: Request,
        _ context: BasicRequestContext,
        _ make: (_ run: String) -> Response
    ) throws -> Response {
        let credentials = request.headers[.authorization] ?? ""
        guard credentials.hasPrefix("Bearer ") else { return Self.error(.unauthorized, "Credentials are missing.") }
        let bearer = String(credentials.dropFirst("Bearer ".count))
        if bearer == serviceKey { return Self.error(.forbidden, "The service key may not see a user's run.") }
        guard issuer.user(of: bearer) == owner else { return Self.error(.notFound, "There is no such run.") }
        return make(try context.parameters.require("run"))
    }

    /// Sends the run's only event, unless the client has it, and then keeps the stream open, because the run is in progress.
    private func stream(_ request: Request, _ run: String) -> Response {
        let known = Self.lastEventID.flatMap { request.headers[$0] }.flatMap { Int($0) } ?? 0
        let data: JSONValue = ["runId": .string(run), "sequence": 1, "status": "in_progress"]
        let event = "id: 1\nevent: run.started\ndata: \(data)\n\n"
        return Response(
            status: .ok,
            headers: [.contentType: "text/event-stream", .cacheControl: "no-cache"],
            body: ResponseBody { writer in
                try await writer.write(ByteBuffer(string: known < 1 ? event : ": connected\n\n"))
                try? await request.body.consumeWithCancellationOnInboundClose { _ in await Latch().wait() }
                try await writer.finish(nil)
            }
        )
    }

    private static func json(_ value: JSONValue, _ status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: JSONWriter.bytes(of: value)))
        )
    }

    private static func error(_ status: HTTPResponse.Status, _ message: String) -> Response {
        json(["error": .string(message)], status)
    }
}
