import AsyncHTTPClient
import CurlHTTP
import Foundation
import HTTPTransport
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOSSL

extension Benchmark {
    /// The speed of CurlHTTP compared with AsyncHTTPClient: the same requests to the same server over HTTP/1.1 and TLS,
    /// with the same maximum of connections.
    static let curl = Benchmark(group: "curl", summary: "requests of CurlHTTP, and of AsyncHTTPClient") { report in
        let server = try ChildServer(["echo-server"])
        defer { server.stop() }
        let address = try server.ask(nil, for: EchoServerCommand.Address.self)
        let clients = try CurlBenchmark(address)
        for concurrency in [1, 16, 256] {
            for figure in try await clients.compare(concurrency) { report.add(figure) }
        }
        try await clients.shutdown()
    }
}

private struct CurlBenchmark: Sendable {
    struct Unexpected: Error {}

    private static let rounds = 16
    private static let duration = Duration.milliseconds(400)
    private static let maxConnections = 32
    private static let bearer = "Bearer \(String(repeating: "t", count: 900))"

    private let port: Int
    private let curl: CurlTransport
    private let asyncHTTP: HTTPClient

    init(_ address: EchoServerCommand.Address) throws {
        port = address.port
        curl = try CurlTransport(
            configuration: CurlConfiguration(
                tls: CurlHTTP.TLSConfiguration(caPEM: Array(address.authorityPEM.utf8)),
                maxConnections: Self.maxConnections
            )
        )
        var configuration = HTTPClient.Configuration()
        configuration.httpVersion = .http1Only
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.maxConnections
        configuration.tlsConfiguration = .makeClientConfiguration()
        configuration.tlsConfiguration?.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMBytes(Array(address.authorityPEM.utf8))
        )
        asyncHTTP = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func compare(_ concurrency: Int) async throws -> [Measurement] {
        let comparison = try await Comparison(rounds: Self.rounds) {
            (
                try await throughput(concurrency: concurrency, for: Self.duration) { _ in try await requestByCurl() },
                try await throughput(concurrency: concurrency, for: Self.duration) { _ in try await requestByOther() }
            )
        }
        return [
            .ratio(
                "curl.ratio",
                on: "loopback",
                "\(concurrency) at once",
                of: .init(name: "CurlHTTP", value: comparison.firstRate, unit: "/s"),
                to: .init(name: "AsyncHTTPClient", value: comparison.secondRate, unit: "/s"),
                target: .atLeast(1)
            ),
            .ratio(
                "curl.cpu",
                on: "loopback",
                "\(concurrency) at once",
                of: .init(name: "CurlHTTP", value: comparison.firstCPUSeconds * 1e6, unit: "µs a request"),
                to: .init(name: "AsyncHTTPClient", value: comparison.secondCPUSeconds * 1e6, unit: "µs a request"),
                target: nil
            ),
        ]
    }

    private func requestByCurl() async throws {
        let request = TransportRequest(
            head: HTTPRequest(
                method: .get,
                scheme: "https",
                authority: "127.0.0.1:\(port)",
                path: "/echo",
                headerFields: [.accept: "application/json", .authorization: Self.bearer, .userAgent: "bench"]
            ),
            timeout: .seconds(10)
        )
        let (head, body) = try await curl.collect(request, maxBodyBytes: 1 << 20)
        guard head.status == .ok, body.count == EchoServerCommand.bodyBytes else { throw Unexpected() }
    }

    private func requestByOther() async throws {
        var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)/echo")
        request.headers.add(name: "Accept", value: "application/json")
        request.headers.add(name: "Authorization", value: Self.bearer)
        request.headers.add(name: "User-Agent", value: "bench")
        let response = try await asyncHTTP.execute(request, timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 20)
        guard response.status == .ok, body.readableBytes == EchoServerCommand.bodyBytes else { throw Unexpected() }
    }

    func shutdown() async throws {
        await curl.shutdown()
        try await asyncHTTP.shutdown()
    }
}
