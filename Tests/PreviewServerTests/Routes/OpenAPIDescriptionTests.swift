import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Router
import TestSupport
import Testing
import YAMLKit

@testable import PreviewServer

@Suite("The API's description", .timeLimit(.minutes(10)))
struct OpenAPIDescriptionTests {
    private func document() throws -> [String: Any] {
        let document = try #require(try YAMLNode.document(in: Data(ProjectFiles.text("Docs/openapi.yaml").utf8)))
        return try #require(try JSONSerialization.jsonObject(with: Data(document.json.utf8)) as? [String: Any])
    }

    private static func text(_ document: Any) throws -> String {
        String(decoding: try JSONSerialization.data(withJSONObject: document, options: .sortedKeys), as: UTF8.self)
    }

    @Test func theServiceServesWhatTheDocumentSays() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            try await client.execute(uri: "/openapi.json", method: .get) { answer in
                #expect(answer.status == .ok)
                #expect(answer.headers[.contentType] == "application/json; charset=utf-8")
                let served = try JSONSerialization.jsonObject(with: Data(answer.body.readableBytesView))
                #expect(try Self.text(served) == Self.text(document()))
            }
        }
    }

    @Test func everyRouteIsDescribedAndEveryDescriptionIsARoute() async throws {
        let api = try await APIHarness().api
        let routes = Set(
            api.describedRouter().routes.map { route in
                "\(route.method.rawValue) \(route.path.description)"
            }
        )
        let paths = try #require(try document()["paths"] as? [String: [String: Any]])
        let described = Set(
            paths.flatMap { path, item in
                item.keys.filter { $0 != "parameters" }.map { "\($0.uppercased()) \(path)" }
            }
        )
        #expect(routes.subtracting(described).isEmpty, "not in Docs/openapi.yaml")
        #expect(described.subtracting(routes).isEmpty, "in Docs/openapi.yaml only")
        #expect(!routes.isEmpty)
    }

    @Test func theRouterLeavesEveryDescribedRouteToThisService() async throws {
        let routes = try await APIHarness().api.describedRouter().routes
        #expect(!routes.isEmpty)
        for route in routes {
            let segments = route.path.description.split(separator: "/").map { $0.hasPrefix("{") ? "sample-1" : $0 }
            let path = "/" + segments.joined(separator: "/")
            #expect(RouteTable.owner(of: route.method, path) == .service, "\(route.method) \(path)")
        }
    }

    @Test func theCurrentMetricsAreServedWithoutCredentials() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            for number in 1...2 {
                try await client.execute(uri: "/metrics", method: .get) { answer in
                    #expect(answer.status == .ok)
                    #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
                    #expect(String(buffer: answer.body) == "asked \(number)\n")
                }
            }
        }
    }

    @Test(arguments: [
        ("/api/runs/a/sandbox/port-forward", "GET, HEAD, OPTIONS, POST"), ("/mcp", "OPTIONS, POST"),
        ("/healthz", "GET, HEAD, OPTIONS"),
        ("/api/runs/a/sandbox/port-forward/token", "DELETE, GET, HEAD, OPTIONS"),
    ])
    func otherMethodsAreA405ThatSaysWhichThereAre(path: String, allowed: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            for method in [HTTPRequest.Method.put, .patch, .trace] {
                let answer = try await client.call(method, path, headers: [:])
                #expect(answer.status == 405)
                #expect(answer.headers[.allow] == allowed)
                #expect((answer.json as? [String: Any])?["error"] is String)
            }
            let options = try await client.call(.options, path, headers: [:])
            #expect(options.status == 204)
            #expect(options.headers[.allow] == allowed)
        }
    }

    @Test func everyGETRouteAnswersHEAD() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.head, "/healthz", headers: [:])
            #expect(answer.status == 200)
        }
    }
}
