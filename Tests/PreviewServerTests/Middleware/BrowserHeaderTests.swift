import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import PreviewServer

@Suite("Header fields for browsers", .timeLimit(.minutes(10)))
struct BrowserHeaderTests {
    private static let origin = "https://console.example.com"
    private let list = "/api/runs/\(APIHarness.run)/sandbox/port-forward"

    private func preflight(from origin: String) -> HTTPFields {
        [
            .origin: origin, .accessControlRequestMethod: "POST",
            .accessControlRequestHeaders: "authorization, content-type",
        ]
    }

    @Test func thePlatformsPageMayUseEveryMethodAndReadResponses() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let allowed = try await client.call(.options, list, headers: preflight(from: Self.origin))
            #expect(allowed.status == 204)
            #expect(allowed.headers[.accessControlAllowOrigin] == Self.origin)
            #expect(allowed.headers[.accessControlAllowMethods] == "GET, POST, DELETE")
            #expect(allowed.headers[.accessControlAllowHeaders]?.contains("Authorization, Content-Type") == true)
            #expect(allowed.headers[.accessControlAllowCredentials] == nil)
            #expect(allowed.headers[.vary] == "Origin")

            for headers: HTTPFields in [[.authorization: "Bearer \(APIHarness.key)"], [:]] {
                var headers = headers
                headers[.origin] = Self.origin
                let answer = try await client.call(.get, list, headers: headers)
                #expect(answer.headers[.accessControlAllowOrigin] == Self.origin)
                #expect(answer.headers[.accessControlExposeHeaders]?.contains("Retry-After") == true)
                #expect(answer.headers[.vary] == "Origin")
            }
        }
    }

    @Test(arguments: [
        "https://evil.example.com", "https://console.example.com.evil.com", "http://console.example.com", "null", "*",
        "https://a-preview.console.example.com", "",
    ])
    func aPageOfAnotherOriginMayNotReadResponses(origin: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let refused = try await client.call(.options, list, headers: preflight(from: origin))
            #expect(refused.headers[.accessControlAllowOrigin] == nil)
            #expect(refused.headers[.accessControlAllowMethods] == nil)
            let answer = try await client.call(
                .get,
                list,
                headers: [.authorization: "Bearer \(APIHarness.key)", .origin: origin]
            )
            #expect(answer.headers[.accessControlAllowOrigin] == nil)
            #expect(answer.headers[.vary] == "Origin")
        }
    }

    @Test(arguments: ["/healthz", "/mcp", "/api/runs/\(APIHarness.run)/sandbox/port-forward"])
    func cookiesAreNeitherTakenNorSet(path: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let cookies: HTTPFields = [
                .cookie: "session=\(APIHarness.owner); Authorization=Bearer \(APIHarness.owner); \(APIHarness.key)"
            ]
            for headers in [cookies, [.authorization: "Bearer \(APIHarness.owner)"]] {
                let answer = try await client.call(.get, path, headers: headers)
                #expect(answer.headers[.setCookie] == nil)
                if headers == cookies, path.hasPrefix("/api") { #expect(answer.status == 401) }
            }
            let start = try await client.call(
                .post,
                "/api/runs/\(APIHarness.run)/sandbox/port-forward",
                body: #"{"target_port": 3000}"#,
                headers: cookies
            )
            #expect(start.status == 401)
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test(arguments: ["/healthz", "/nowhere", "/api/runs/x/sandbox/port-forward", "/mcp"])
    func everyAnswerCarriesTheSecurityHeaders(path: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.get, path, headers: [:])
            #expect(answer.headers[.contentSecurityPolicy] == "default-src 'none'; frame-ancestors 'none'")
            #expect(answer.headers[.xContentTypeOptions] == "nosniff")
            #expect(answer.headers[.referrerPolicy] == "no-referrer")
            #expect(answer.headers[.crossOriginResourcePolicy] == "same-origin")
            #expect(answer.headers[.cacheControl] == "no-store")
            #expect(answer.headers[.server] == nil)
        }
    }
}
