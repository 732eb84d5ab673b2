import CurlHTTP
import Foundation
import HTTPTransport
import HTTPTypes
import Hummingbird
import Logging
import PreviewDomain
import ServiceLifecycle
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewServer

/// The page of hosts without a preview, on a separate port.
enum EndedPageUnderTest {
    private static let startLimit = Duration.seconds(10)

    static func run<Result: Sendable>(_ body: @escaping @Sendable (_ port: Int) async throws -> Result) async throws
        -> Result
    {
        let port = try ListenerPorts.free()
        let services = ServiceGroup(
            services: [EndedPage.application(address: .hostname("127.0.0.1", port: port), logger: .silent)],
            logger: .silent
        )
        return try await withBackground("the page") {
            try await services.run()
        } body: {
            let isUp: Bool? = try await poll(every: .milliseconds(20), limit: startLimit) {
                Sockets.accepts(address: "127.0.0.1", port: port) ? true : nil
            }
            #expect(isUp == true)
            return try await body(port)
        }
    }
}

/// The whole service with a real Envoy, and the wildcard route of the development cluster.
@Suite(
    "Hosts without a preview",
    .enabled(if: TestPrograms.envoy != nil, "ENVOY names no Envoy"),
    .timeLimit(.minutes(2))
)
struct EndedPageTests {
    private static let previews = "/api/runs/\(ServiceUnderTest.run)/sandbox/port-forward"
    private static let zone = "preview.localhost"
    private static let servingLimit = Duration.seconds(10)

    private struct Page: Hashable, Sendable {
        let status: Int
        let mark: String?
        let body: String

        var isEndedPage: Bool { status == 404 && mark == RouteMark.noPreview && body == EndedPage.html }
    }

    /// Opens an address on a new connection.
    private static func open(
        _ label: String,
        _ port: Int,
        path: String = "/",
        method: HTTPRequest.Method = .get,
        bearer: String? = nil
    ) async throws -> Page {
        let transport = try CurlTransport()
        var fields = HTTPFields()
        if let bearer { fields[.authorization] = "Bearer \(bearer)" }
        let head = HTTPRequest(
            method: method,
            scheme: "http",
            authority: "\(label).\(zone):\(port)",
            path: path,
            headerFields: fields
        )
        let answer = try await transport.collect(.init(head: head, timeout: .seconds(5)), maxBodyBytes: 65_536)
        await transport.shutdown()
        return Page(
            status: answer.head.status.code,
            mark: HTTPField.Name(RouteMark.fieldName).flatMap { answer.head.headerFields[$0] },
            body: String(decoding: answer.body, as: UTF8.self)
        )
    }

    @Test func hostsWithoutAPreviewGetThePageAndARouteTakesPrecedence() async throws {
        try await RawPeer.run({ _, _ in
            RawPeer.Response(
                "HTTP/1.1 200 OK\r\n\(RouteMark.fieldName): \(RouteMark.noPreview)\r\ncontent-length: 3\r\n\r\napp",
                then: .keepOpen
            )
        }) { app in
            let pagePort = try ListenerPorts.free()
            let settings = ["Server__EndedPageListen": "127.0.0.1:\(pagePort)"]
            try await ServiceWithGateway.run(settings: settings, zone: Self.zone) { service, port in
                try ClusterObjects.installEndedPage(into: service.store, pagePort: pagePort, zone: Self.zone)
                let isServed: Bool? = try await poll(every: .milliseconds(10), limit: Self.servingLimit) {
                    try await Self.open("never-was-preview", port).isEndedPage ? true : nil
                }
                #expect(isServed == true)

                let answer = try await service.call(.post, Self.previews, body: #"{"target_port": \#(app.port)}"#)
                #expect(answer["readiness"] == "serving", "\(answer.body)")
                let token = try #require(answer["session_id"])
                let live = try await Self.open("\(token)-preview", port)
                #expect(live.status == 200 && live.body == "app")
                #expect(live.mark != RouteMark.noPreview, "the preview's own route overwrites the app's field")
                #expect(try await Self.open("never-was-preview", port).isEndedPage)

                let stopped = try await service.call(.delete, "\(Self.previews)/\(token)")
                #expect(stopped.status == 200)
                let isGone: Bool? = try await poll(every: .milliseconds(10), limit: Self.servingLimit) {
                    try await Self.open("\(token)-preview", port).isEndedPage ? true : nil
                }
                #expect(isGone == true)
            }
        }
    }

    @Test func nothingElseOfTheServiceIsReachedByThePreviewGateway() async throws {
        let pagePort = try ListenerPorts.free()
        let settings = ["Server__EndedPageListen": "127.0.0.1:\(pagePort)"]
        try await ServiceWithGateway.run(settings: settings, zone: Self.zone) { service, port in
            try ClusterObjects.installEndedPage(into: service.store, pagePort: pagePort, zone: Self.zone)
            let isServed: Bool? = try await poll(every: .milliseconds(10), limit: Self.servingLimit) {
                try await Self.open("a", port).isEndedPage ? true : nil
            }
            #expect(isServed == true)
            for path in ["/healthz", "/readyz", "/metrics", "/openapi.json", "/mcp", Self.previews] {
                for method in [HTTPRequest.Method.get, .post, .delete] {
                    for host in ["agentweaver", "mcp", "api", "a-preview"] {
                        let page = try await Self.open(
                            host,
                            port,
                            path: path,
                            method: method,
                            bearer: ServiceUnderTest.owner
                        )
                        #expect(page.isEndedPage, "\(method) \(path)")
                    }
                }
            }
            #expect(service.previewObjects.filter { $0.hasPrefix("preview-") } == ["preview-gateway"])
            // The service's own port has the API, and does not have the page.
            #expect(try await service.call(.get, "/healthz", bearer: nil).status == 200)
        }
    }
}
