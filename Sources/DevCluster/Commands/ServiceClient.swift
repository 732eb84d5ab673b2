import CurlHTTP
import FoundationEssentials
import HTTPTransport
import HTTPTypes

/// Calls the service's HTTP API as the platform's front end does, and pages through the gateway as a browser does.
struct ServiceClient: Sendable {
    let port: Int
    let key: String
    private let transport: CurlTransport

    /// An HTTP answer with its body as text.
    struct Answer: Sendable {
        let status: Int
        let text: String
        let headers: HTTPFields

        /// The body as JSON; `null` where it is none.
        var json: JSONValue { (try? JSONParser.value(of: Array(text.utf8))) ?? .null }
    }

    private static let timeout = Duration.seconds(30)
    private static let maxBodyBytes = 1 << 20

    init(port: Int, key: String) throws {
        self.port = port
        self.key = key
        transport = try CurlTransport()
    }

    var address: String { "http://127.0.0.1:\(port)" }

    func shutdown() async { await transport.shutdown() }

    /// Sends a request to the service, with its key.
    func call(_ method: HTTPRequest.Method, _ path: String, body: JSONValue? = nil) async throws -> Answer {
        var fields: HTTPFields = [.authorization: "Bearer \(key)"]
        if body != nil { fields[.contentType] = "application/json" }
        return try await send(
            HTTPRequest(
                method: method, scheme: "http", authority: "127.0.0.1:\(port)", path: path, headerFields: fields
            ),
            body: body.map { JSONWriter.bytes(of: $0) } ?? []
        )
    }

    /// Starts a preview as an operator does.
    func start(run: String, port: Int) async throws -> Answer {
        try await call(
            .post, "/api/runs/\(run)/sandbox/port-forward", body: ["target_port": .int(Int64(port))]
        )
    }

    /// Opens a page of a preview: `http://host:port` and a path.
    func open(_ url: String, path: String = "/") async throws -> Answer {
        guard let authority = url.split(separator: "/").last.map(String.init) else {
            throw DevClusterFailure("the service answered without a preview's address")
        }
        return try await send(HTTPRequest(method: .get, scheme: "http", authority: authority, path: path), body: [])
    }

    func isReady() async -> Bool {
        (try? await call(.get, "/readyz"))?.status == 200
    }

    private func send(_ head: HTTPRequest, body: [UInt8]) async throws -> Answer {
        let answer = try await transport.collect(
            TransportRequest(head: head, body: body, timeout: Self.timeout), maxBodyBytes: Self.maxBodyBytes
        )
        return Answer(
            status: answer.head.status.code,
            text: String(decoding: answer.body, as: UTF8.self),
            headers: answer.head.headerFields
        )
    }
}

extension ServiceClient {
    /// Where the service says how long the parts of a start took (W3C Server Timing).
    static let serverTiming = HTTPField.Name("Server-Timing")
}
