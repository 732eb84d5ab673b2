import CurlHTTP
import DevCluster
import HTTPTransport
import HTTPTypes
import TestPeers
import TestSupport

/// A client of the development cluster's API server over its socket. It sends bodies unchanged, so that a test can also
/// send invalid ones.
struct APIClient: Sendable {
    struct Response: Sendable {
        let status: Int
        let headers: HTTPFields
        let body: [UInt8]

        /// The body as JSON, or `null` if it is not JSON.
        var json: JSONValue { (try? JSONParser.value(of: body)) ?? .null }
        var text: String { String(decoding: body, as: UTF8.self) }
        var reason: String { json["reason"]?.stringValue ?? "" }
        /// The field that each cause of the answer's `Status` names.
        var causes: [String] { json["details", "causes"]?.arrayValue?.compactMap { $0["field"]?.stringValue } ?? [] }
        /// The names of a list's items.
        var names: [String] { json["items"]?.arrayValue?.map(\.name) ?? [] }
    }

    private let transport: CurlTransport
    private let authority: String
    private let token: String?

    /// Calls `body` with a running API server and a client that has its administrator's token.
    static func withServer<Result: Sendable>(
        _ configuration: APIServer.Configuration = APIServer.Configuration(),
        store: ObjectStore = ObjectStore(),
        _ body: @Sendable (APIServer, APIClient) async throws -> Result
    ) async throws -> Result {
        try await withAPIServer(configuration: configuration, store: store) { server in
            let tls = TLSConfiguration(caPEM: Array(server.authorityPEM.utf8))
            let authority = String(try await server.address().dropFirst("https://".count))
            return try await withTransport(CurlConfiguration(tls: tls)) { transport in
                let token = server.configuration.users.first?.token
                return try await body(server, APIClient(transport: transport, authority: authority, token: token))
            }
        }
    }

    /// A client of the same server with another token, or without one if `token` is `nil`.
    func with(token: String?) -> APIClient {
        APIClient(transport: transport, authority: authority, token: token)
    }

    func request(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSONValue? = nil,
        type: String = "application/json",
        accept: String? = nil
    ) -> TransportRequest {
        var head = HTTPRequest(method: method, scheme: "https", authority: authority, path: path)
        head.headerFields[.userAgent] = "tester/1.0"
        if let token { head.headerFields[.authorization] = "Bearer \(token)" }
        if let accept { head.headerFields[.accept] = accept }
        if body != nil { head.headerFields[.contentType] = type }
        return TransportRequest(
            head: head,
            body: body.map { Array($0.description.utf8) } ?? [],
            timeout: .seconds(30)
        )
    }

    func send(_ request: TransportRequest) async throws -> Response {
        let (head, body) = try await transport.collect(request, maxBodyBytes: 16 * 1024 * 1024)
        return Response(status: head.status.code, headers: head.headerFields, body: body)
    }

    func get(_ path: String, accept: String? = nil) async throws -> Response {
        try await send(request(.get, path, accept: accept))
    }

    func post(_ path: String, _ body: JSONValue) async throws -> Response { try await send(request(.post, path, body)) }

    func put(_ path: String, _ body: JSONValue) async throws -> Response { try await send(request(.put, path, body)) }

    func delete(_ path: String, _ options: JSONValue? = nil) async throws -> Response {
        try await send(request(.delete, path, options))
    }

    func merge(_ path: String, _ patch: JSONValue) async throws -> Response {
        try await send(request(.patch, path, patch, type: "application/merge-patch+json"))
    }

    func patch(_ path: String, _ operations: JSONValue) async throws -> Response {
        try await send(request(.patch, path, operations, type: "application/json-patch+json"))
    }

    func apply(_ path: String, _ object: JSONValue) async throws -> Response {
        try await send(request(.patch, path, object, type: "application/apply-patch+yaml"))
    }

    /// Calls `body` with the frames of a watch of `path`.
    func watch<Result: Sendable>(
        _ path: String,
        accept: String? = nil,
        _ body: @Sendable (inout Frames) async throws -> Result
    ) async throws -> Result {
        var request = request(.get, path, accept: accept)
        request.timeout = nil
        return try await transport.withResponse(to: request) { response in
            var frames = Frames(response.body)
            return try await body(&frames)
        }
    }

    /// The frames of a watch: one JSON document per line.
    struct Frames {
        private var chunks: TransportBody.AsyncIterator
        private var rest: [UInt8] = []

        init(_ body: TransportBody) { chunks = body.makeAsyncIterator() }

        mutating func next() async throws -> JSONValue? {
            while true {
                if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = Array(rest[..<end])
                    rest.removeSubrange(...end)
                    return try JSONParser.value(of: line)
                }
                guard let chunk = try await chunks.next() else { return nil }
                rest += chunk
            }
        }

        /// The type of the next frame and the name of its object, such as `ADDED a`, or `nil` at the end of the watch.
        mutating func nextChange() async throws -> String? {
            guard let frame = try await next() else { return nil }
            return "\(frame["type"]?.stringValue ?? "") \(frame["object"]?.name ?? "")"
        }
    }
}

/// Objects and paths for requests to the API server.
enum Samples {
    static let services = "/api/v1/namespaces/default/services"
    static let routes = "/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes"
    static let claims = "/apis/extensions.agents.x-k8s.io/v1beta1/namespaces/default/sandboxclaims"

    static func service(_ name: String, labels: [String: String] = [:]) -> JSONValue {
        [
            "apiVersion": "v1", "kind": "Service",
            "metadata": ["name": .string(name), "labels": .object(labels.mapValues(JSONValue.string))],
            "spec": ["selector": ["app": "x"], "ports": [["port": 80]]],
        ]
    }

    static func route(_ name: String, annotations: [String: String] = [:]) -> JSONValue {
        [
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": ["name": .string(name), "annotations": .object(annotations.mapValues(JSONValue.string))],
            "spec": [
                "parentRefs": [["name": "gateway"]], "hostnames": ["a.example.com"],
                "rules": [["backendRefs": [["name": "service", "port": 80]]]],
            ],
        ]
    }

    static func configMap(_ name: String, owners: [JSONValue] = []) -> JSONValue {
        [
            "metadata": [
                "name": .string(name),
                "ownerReferences": .array(
                    owners.map {
                        [
                            "apiVersion": "v1", "kind": "ConfigMap", "name": .string($0.name), "uid": .string($0.uid),
                            "blockOwnerDeletion": true,
                        ]
                    }
                ),
            ]
        ]
    }

    static func pod(_ name: String, node: String? = nil) -> JSONValue {
        var pod: JSONValue = [
            "metadata": ["name": .string(name)], "spec": ["containers": [["name": "app", "image": "app"]]],
        ]
        pod["spec", "nodeName"] = node.map(JSONValue.string)
        return pod
    }
}

/// A clock on which every sleep ends immediately and the time stays the same.
final class ImmediateClock: Clock {
    typealias Instant = ManualClock.Instant

    var now: Instant { Instant(offset: .zero) }
    var minimumResolution: Duration { .zero }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws { try Task.checkCancellation() }
}
