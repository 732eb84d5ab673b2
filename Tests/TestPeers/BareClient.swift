internal import Basics
public import CurlHTTP
internal import Foundation
public import HTTPTransport
public import HTTPTypes
internal import KubernetesClient

/// Sends requests to an API server and does nothing else: the baseline with which the service's own clients are
/// compared.
public struct BareClient: Sendable {
    public struct Refusal: Error, CustomStringConvertible {
        public let description: String
        /// The status of the response, if there was one.
        public var status: Int?
    }

    private let server: BaseURL
    private let token: String
    public let transport: CurlTransport

    /// - Parameter kubeconfig: The path of a kubeconfig with a token.
    public init(kubeconfig: String) throws {
        let configuration = try ClusterConfiguration.discover(kubeconfig: kubeconfig)
        guard case .token(let token) = configuration.credential else {
            throw Refusal(description: "the kubeconfig has no token")
        }
        server = configuration.server
        self.token = token.value
        transport = try CurlTransport(trust: configuration.trust)
    }

    /// Sends `request` and reads the response.
    ///
    /// - Throws: ``Refusal`` unless the status is 2xx.
    @discardableResult
    public func send(_ request: TransportRequest) async throws -> [UInt8] {
        let (head, body) = try await transport.collect(request, maxBodyBytes: RequestLimits.maxBodyBytes)
        guard head.status.kind == .successful else {
            let excerpt = String(decoding: body.prefix(400), as: UTF8.self)
            throw Refusal(
                description: "\(request.head.method) was answered with \(head.status.code): \(excerpt)",
                status: head.status.code
            )
        }
        return body
    }

    @discardableResult
    public func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: String = "",
        type: String = "application/json"
    ) async throws -> [UInt8] {
        try await send(request(method, path, body, type: type))
    }

    /// Watches collections while `body` runs, and discards what arrives.
    public func whileWatching<Result: Sendable>(
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

    public func request(
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
