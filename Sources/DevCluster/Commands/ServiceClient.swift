import HTTPTransport
import HTTPTypes

/// A client of the service's HTTP API.
struct ServiceClient: Sendable {
    /// A preview, as the service reports it.
    struct Session: Sendable, Hashable {
        let token: String
        let previewURL: String
        let keepalivePath: String
        let expiresAt: String
        let isReady: Bool
        /// The reason for which the preview is not ready.
        let detail: String?
        /// The time that the service reports for creating both objects, without the Gateway's.
        let provisioning: Duration?
    }

    /// A response of the service.
    struct Response {
        let status: Int
        /// The body as JSON; `null` if it is not JSON.
        let body: JSONValue
        let timing: String?

        /// The error message in the body.
        var reason: String { body["error"]?.stringValue ?? "no reason given" }
    }

    private static let serverTiming = HTTPField.Name("Server-Timing")
    private static let responseLimit: Duration = .seconds(30)
    private static let maxBodyBytes = 1_048_576

    /// The host and the port of the service.
    let authority: String
    /// Returns the bearer token: an access token or the service key. A secret.
    let bearer: @Sendable () throws -> String
    let transport: any HTTPTransport

    /// Whether `/readyz` responds with 200.
    func isReady() async -> Bool {
        (try? await send(.get, "/readyz", body: nil, timeout: .seconds(1)))?.status == 200
    }

    /// Starts a preview through the operator's route.
    func start(run: String, port: Int) async throws -> Session {
        let response = try await send(.post, Self.sessions(run), body: ["target_port": .int(Int64(port))])
        return try session(accept(response), provisioning: Self.provisioning(response.timing))
    }

    /// Sends a keepalive.
    ///
    /// - Returns: The new `expires_at`; `nil` if the preview no longer exists.
    func keepAlive(_ session: Session) async throws -> String? {
        let response = try await send(.post, session.keepalivePath, body: nil)
        if response.status == 404 { return nil }
        return try accept(response)["expires_at"]?.stringValue
    }

    /// The previews of a run.
    func list(run: String) async throws -> [Session] {
        try await require(.get, Self.sessions(run), body: nil).arrayValue?.map { try session($0) } ?? []
    }

    /// Stops a preview.
    func stop(run: String, token: String) async throws {
        _ = try await require(.delete, "\(Self.sessions(run))/\(token)", body: nil)
    }

    /// The path of a run's previews.
    static func sessions(_ run: String) -> String { "/api/runs/\(run)/sandbox/port-forward" }

    func session(_ value: JSONValue, provisioning: Duration? = nil) throws -> Session {
        guard let token = value["session_id"]?.stringValue, let url = value["preview_url"]?.stringValue,
            let keepalive = value["keepalive_url"]?.stringValue, let expiresAt = value["expires_at"]?.stringValue
        else { throw DevClusterFailure("the service's response is not a session") }
        return Session(
            token: token,
            previewURL: url,
            keepalivePath: keepalive,
            expiresAt: expiresAt,
            isReady: value["ready"]?.boolValue ?? false,
            detail: value["detail"]?.stringValue,
            provisioning: provisioning
        )
    }

    /// The duration in the entry `provision` of a `Server-Timing` field (W3C Server Timing), which is in milliseconds.
    static func provisioning(_ timing: String?) -> Duration? {
        let entry = timing?.split(separator: ",").first { $0.trimmingPrefix(" ").hasPrefix("provision;") }
        guard let value = entry?.split(separator: "=").last.flatMap({ Double($0) }) else { return nil }
        return .milliseconds(value)
    }

    func require(_ method: HTTPRequest.Method, _ path: String, body: JSONValue?) async throws -> JSONValue {
        try accept(try await send(method, path, body: body))
    }

    func accept(_ response: Response) throws -> JSONValue {
        guard response.status == 200 else {
            throw DevClusterFailure("the service answered \(response.status): \(response.reason)")
        }
        return response.body
    }

    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        body: JSONValue?,
        timeout: Duration = responseLimit
    ) async throws -> Response {
        var head = HTTPRequest(method: method, scheme: "http", authority: authority, path: path)
        head.headerFields[.authorization] = "Bearer \(try bearer())"
        if body != nil { head.headerFields[.contentType] = "application/json" }
        let request = TransportRequest(head: head, body: body.map(JSONWriter.bytes) ?? [], timeout: timeout)
        let response = try await transport.collect(request, maxBodyBytes: Self.maxBodyBytes)
        return Response(
            status: response.head.status.code,
            body: (try? JSONParser.value(of: response.body)) ?? .null,
            timing: Self.serverTiming.flatMap { response.head.headerFields[$0] }
        )
    }
}
