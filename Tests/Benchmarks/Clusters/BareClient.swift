import CurlHTTP
import Foundation
import HTTPTransport
import HTTPTypes
import KubernetesClient

/// Sends requests to an API server and does nothing else: what the service's own clients are compared with.
struct BareClient: Sendable {
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private let server: ServerURL
    private let token: String
    let transport: CurlTransport

    init(_ cluster: any BenchCluster) throws {
        let configuration = try ClusterConfiguration.discover(kubeconfig: cluster.kubeconfig)
        guard case .token(let token) = configuration.credential else {
            throw Refusal(description: "the kubeconfig has no token")
        }
        server = configuration.server
        self.token = token.value
        transport = try CurlTransport(
            configuration: CurlConfiguration(
                tls: TLSConfiguration(caPEM: configuration.trust.authoritiesPEM.map { Array($0.utf8) })
            )
        )
    }

    /// Sends `request` and reads its answer.
    ///
    /// - Throws: ``Refusal`` unless the status is one of success.
    @discardableResult
    func send(_ request: TransportRequest) async throws -> [UInt8] {
        let (head, body) = try await transport.collect(request, maxBodyBytes: RequestLimits.maxBodyBytes)
        guard head.status.kind == .successful else {
            let excerpt = String(decoding: body.prefix(400), as: UTF8.self)
            throw Refusal(description: "\(request.head.method) was answered with \(head.status.code): \(excerpt)")
        }
        return body
    }

    @discardableResult
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        type: String = "application/json"
    ) async throws -> [UInt8] {
        try await send(request(method, path, body, type: type))
    }

    /// Watches collections while `body` runs, and throws away what arrives.
    func whileWatching<Result: Sendable>(
        _ collections: [String],
        _ body: @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for path in collections {
                let answer = Data(try await send(.get, "\(path)?limit=1"))
                let version = try JSONDecoder().decode(Collection.self, from: answer).metadata.resourceVersion
                var watch = request(.get, "\(path)?watch=true&resourceVersion=\(version)")
                watch.head.headerFields[.accept] = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
                watch.timeout = nil
                let request = watch
                group.addTask {
                    try await transport.withResponse(to: request) { for try await _ in $0.body {} }
                }
            }
            defer { group.cancelAll() }
            return try await body()
        }
    }

    private struct Collection: Decodable {
        struct Metadata: Decodable {
            let resourceVersion: String
        }

        let metadata: Metadata
    }

    func request(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        type: String = "application/json"
    ) -> TransportRequest {
        var fields: HTTPFields = [.authorization: "Bearer \(token)", .accept: "application/json"]
        if !body.isEmpty { fields[.contentType] = type }
        return TransportRequest(
            head: HTTPRequest(
                method: method,
                scheme: server.scheme,
                authority: server.authority,
                path: server.pathPrefix + path,
                headerFields: fields
            ),
            body: Array(body.utf8),
            timeout: .seconds(30)
        )
    }
}
