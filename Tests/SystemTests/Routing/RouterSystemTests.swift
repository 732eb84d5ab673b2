import FoundationEssentials
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The whole service with its router on, in front of a core API that is written in another language.
@Suite("The router", .timeLimit(.minutes(5)))
struct RouterSystemTests {
    static let run = "/api/runs/\(ServiceUnderTest.run)"

    /// - Parameters:
    ///   - settings: Changes to the tests' settings.
    ///   - arguments: Further arguments of the core API.
    static func serve(
        _ settings: [String: String] = [:],
        core arguments: [String] = [],
        _ body: @escaping @Sendable (ServiceUnderTest, CoreAPIStandIn) async throws -> Void
    ) async throws {
        let identities = ["--key", ServiceUnderTest.key, "--user", ClusterObjects.owner]
        try await CoreAPIStandIn.run(identities + arguments) { core in
            var changes = ["Agentweaver__ApiBaseUrl": core.url, "Router__Enabled": "true"]
            changes.merge(settings) { $1 }
            try await ServiceUnderTest.run(settings: changes) { service in try await body(service, core) }
        }
    }

    @Test func thousandsOfGeneratedRequestsGetTheAnswersThatTheyGetDirectly() async throws {
        try await Self.serve { service, core in
            let (succeeded, output) = try await CoreAPIStandIn.script(
                "compare.py",
                ["\(core.port)", "\(service.port)", "2000", "1"]
            )
            #expect(succeeded, "\(output)")
        }
    }

    @Test func bodiesOfAGigabytePassInBothDirections() async throws {
        try await Self.serve { service, core in
            for direction in ["download", "upload", "upload-chunked"] {
                let bytes = direction == "download" ? 1 << 30 : 1 << 28
                let (succeeded, output) = try await CoreAPIStandIn.script(
                    "transfer.py",
                    [direction, "\(service.port)", "\(bytes)"]
                )
                #expect(succeeded, "\(direction): \(output)")
            }
        }
    }

    // MARK: Ends

    @Test func whenAClientLeavesItsRequestToTheCoreAPIEndsWithinASecond() async throws {
        try await Self.serve { service, core in
            for path in ["\(Self.run)/stream?hold=1&count=0", "/slow/60000"] {
                let client = try await RawClient.connect(to: service.port)
                try await client.send("GET \(path) HTTP/1.1\r\nHost: h\r\n\r\n")
                try await core.until { $0.open == 1 }
                if path.contains("stream") { await client.receive { $0.contains("200 OK") } }
                let connections = try await core.state().connections
                let left = ContinuousClock.now
                try await client.close()
                try await core.until { $0.connections < connections }
                #expect(ContinuousClock.now - left < .seconds(1))
            }
        }
    }

    @Test(arguments: ["length", "chunks", "reset"])
    func anAnswerThatBreaksOffIsNotMadeToLookWhole(where place: String) async throws {
        try await Self.serve { service, _ in
            let answer = try await RawResponse.get("/break/\(place)", from: service.port)
            #expect(answer.status == 200)
            #expect(answer.field("Content-Length") == (place == "chunks" ? nil : "1000"))
            #expect(!answer.body.hasSuffix("0\r\n\r\n"))
            #expect(answer.body.utf8.count { $0 == UInt8(ascii: "x") } <= 500)
        }
    }

    @Test(arguments: ["close", "garbage"])
    func anAnswerThatIsNoneIsABadGateway(where place: String) async throws {
        try await Self.serve { service, _ in
            let answer = try await RawResponse.get("/break/\(place)", from: service.port)
            #expect(answer.status == 502)
            #expect(answer.field("Retry-After") == "5")
            #expect(answer.body.hasPrefix(#"{"error":"The core API"#))
        }
    }

    @Test func anUploadThatBreaksOffIsNotMadeToLookWhole() async throws {
        try await Self.serve { service, core in
            let client = try await RawClient.connect(to: service.port)
            try await client.send("POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            try await core.until { $0.open == 1 }
            try await client.close()
            try await core.until { $0.open == 0 }
            let state = try await core.state()
            #expect(state.left == 1)
            #expect(state.last.upload == nil)
        }
    }

    @Test func aSlowAnswerIsWaitedForAndAskedForOnce() async throws {
        try await Self.serve { service, core in
            let answer = try await RawResponse.get("/slow/4000", from: service.port)
            let state = try await core.state()
            #expect(answer.status == 200)
            #expect(state.requests == 2)
        }
    }

    @Test func anAnswerThatDoesNotBeginInTimeIsAGatewayTimeout() async throws {
        try await Self.serve(["Router__HeadTimeoutSeconds": "1"]) { service, core in
            let answer = try await RawResponse.get("/slow/60000", from: service.port)
            #expect(answer.status == 504)
            #expect(answer.field("Retry-After") == "5")
            try await core.until { $0.connections == 1 }
        }
    }

    @Test func aBodyThatFlowsHasNoTimeLimit() async throws {
        try await Self.serve(["Router__HeadTimeoutSeconds": "3"]) { service, core in
            let client = try await RawClient.connect(to: service.port)
            try await client.send(
                "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nConnection: close\r\n\r\n"
            )
            for part in ["a", "b", "c", "d", "e", "f"] {
                try await ContinuousClock().sleep(for: .milliseconds(700))
                try await client.send(part)
            }
            let answer = RawResponse(text: await client.receiveAll())
            #expect(answer.status == 200)
            #expect(answer.body.contains(#""length": 6"#))
        }
    }

    // MARK: Parts of HTTP

    @Test func trailersPass() async throws {
        try await Self.serve { service, _ in
            let answer = try await RawResponse.get("/trailers", from: service.port, "TE: trailers\r\n")
            #expect(answer.body == "5\r\nhello\r\n0\r\nX-Sum: 5\r\nX-More: 6\r\n\r\n")
            #expect(answer.field("X-TE") == "trailers")
            #expect(answer.field("Trailer") == "X-Sum")
        }
    }

    @Test func aClientIsToldToSendItsBodyOnlyWhenTheCoreAPIWantsIt() async throws {
        try await Self.serve { service, core in
            let head = "HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
            let client = try await RawClient.connect(to: service.port)
            try await client.send("PUT /continue \(head)")
            let interim = await client.receive { $0.contains("\r\n\r\n") }
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("abc")
            let answer = await client.receiveAll()
            #expect(answer.contains(#"{"length": 3, "expect": "100-continue"}"#))
            let refused = try await RawResponse.send("PUT /continue?refuse \(head)", to: service.port)
            #expect(refused.status == 417)
        }
    }

    @Test func anAnswerToHEADHasALengthAndNoBody() async throws {
        try await Self.serve { service, _ in
            let answer = try await RawResponse.send(
                "HEAD /download/12345 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                to: service.port
            )
            #expect(answer.status == 200)
            #expect(answer.field("Content-Length") == "12345")
            #expect(answer.body.isEmpty)
        }
    }

    @Test func anOfferOfAnotherProtocolIsRefusedOrIgnored() async throws {
        try await Self.serve { service, _ in
            let webSocket = try await RawResponse.send(
                "GET /any/1 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
                to: service.port
            )
            #expect(webSocket.status == 501)
            let http2 = try await RawResponse.send(
                "GET /slow/0 HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n\r\n",
                to: service.port
            )
            #expect(http2.status == 200)
            #expect(http2.field("Connection") == "close")
        }
    }

    @Test func headsMayHave32KiBAndNoMore() async throws {
        try await Self.serve { service, _ in
            let large = String(repeating: "x", count: 31_000)
            let accepted = try await RawResponse.get("/slow/0", from: service.port, "X-A: \(large)\r\n")
            #expect(accepted.status == 200)
            let larger = String(repeating: "x", count: 33_000)
            let refused = try await RawResponse.get("/slow/0", from: service.port, "X-A: \(larger)\r\n")
            #expect(refused.status == 431)
        }
    }

    @Test(arguments: [
        "GET /x HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", "GET /x HTTP/1.1\nHost: h\n\n",
        "GET /x HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n", "GET /x HTTP/1.1\r\nHost: h\r\n\n",
        "GET /x HTTP/1.1\r\nHost : h\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\na",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\u{0B}chunked\r\n\r\n0\r\n\r\n",
        "GET /x HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "GET /x HTTP/1.1\r\n\r\n",
        "GET /x y HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET /x#y HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET /x HTTP/1.1\r\nHost: h\r\nX\u{0}: 1\r\n\r\n",
    ])
    func aRequestWhoseFramingIsAmbiguousIsRefused(bytes: String) async throws {
        try await Self.serve { service, core in
            let answer = try await RawResponse.send(bytes, to: service.port)
            #expect(answer.status == 400)
            let state = try await core.state()
            #expect(state.requests == 1)
        }
    }

    @Test(arguments: [
        "zz\r\na\r\n0\r\n\r\n", "+1\r\na\r\n0\r\n\r\n", "0x1\r\na\r\n0\r\n\r\n", "1\na\n0\n\n", "1\r\nab\r\n0\r\n\r\n",
    ])
    func aBodyWhoseChunksAreMalformedNeverArrivesWhole(chunks: String) async throws {
        try await Self.serve { service, core in
            let head = "POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            let answer = try await RawResponse.send(head + chunks, to: service.port)
            #expect(answer.status == 400)
            try await core.until { $0.open == 0 }
            let state = try await core.state()
            #expect(state.last.upload == nil)
        }
    }

    // MARK: Selection of requests

    @Test(arguments: [
        "/\(run)/sandbox/preview", "/api/./runs/r/sandbox/preview", "/api/runs/%2e%2e/sandbox/preview",
        "/api/runs/r/sandbox%2Fpreview", "/API/runs/r/sandbox/preview", "\(run)/sandbox/preview;x=1",
        "\(run)/sandbox/preview/",
    ])
    func aPathSimilarToOurRoutesReachesTheCoreAPIUnchanged(path: String) async throws {
        try await Self.serve { service, _ in
            let answer = try await RawResponse.send(
                "POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                to: service.port
            )
            #expect(answer.status == 404)
            #expect(answer.body.contains(#""target": "\#(path)""#))
        }
    }

    @Test func ourOwnRoutesAreAnsweredHere() async throws {
        try await Self.serve { service, core in
            let health = try await RawResponse.get("/healthz", from: service.port)
            #expect(health.body.contains(#""status":"ok""#))
            let metrics = try await RawResponse.get("/metrics", from: service.port)
            #expect(metrics.body.contains("preview_gateway_router"))
            let unauthenticated = try await RawResponse.get("\(Self.run)/sandbox/port-forward", from: service.port)
            #expect(unauthenticated.status == 401)
            let state = try await core.state()
            #expect(state.requests == 1)
        }
    }

    @Test func decisionsAboutOtherToolsAndTheOptionGoToTheCoreAPI() async throws {
        try await Self.serve { service, core in
            try service.addSandbox()
            let body = #"{"request_id": "core-request"}"#
            let approved = try await service.call(.post, "\(Self.run)/tool-approvals", body: body)
            #expect(approved.status == 200)
            #expect(approved.body.contains(#""approved": true"#))
            let state = try await core.state()
            #expect(state.last.authorization == "Bearer \(ServiceUnderTest.owner)")
            let option = try await service.call(.post, "\(Self.run)/auto-approve", body: #"{"enabled": true}"#)
            #expect(option.status == 200)
            _ = try await RawResponse.send(
                "POST \(Self.run)/end HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                to: core.port
            )
            let refused = try await service.call(.post, "\(Self.run)/auto-approve", body: #"{"enabled": true}"#)
            #expect(refused.status == 409)
        }
    }

    @Test func aRunThatIsOverGetsNoDecisionsAndNoNewRequests() async throws {
        try await Self.serve { service, core in
            try service.addSandbox()
            let asked = try await service.requestPreview()
            let request = try #require(asked["request_id"])
            _ = try await RawResponse.send(
                "POST \(Self.run)/end HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                to: core.port
            )
            for route in ["tool-approvals", "tool-denials"] {
                let refused = try await service.call(
                    .post,
                    "\(Self.run)/\(route)",
                    body: #"{"request_id": "\#(request)"}"#
                )
                #expect(refused.status == 409)
                #expect(refused["error"]?.hasPrefix("This run has ended") == true)
            }
            // The service key may not read the run; the state that was just read for the owner applies.
            let again = try await service.requestPreview(port: 3001)
            #expect(again.status == 409)
        }
    }
}
