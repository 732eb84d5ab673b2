import HTTPTypes
import Hummingbird
import NIOCore
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// Responses to `HEAD` have no body (RFC 9110, section 9.3.2): a proxy with a persistent connection would read it as
/// the next response.
@Suite("Answers to HEAD", .timeLimit(.minutes(1)))
struct HeadRequestTests {
    private static let run = "/api/runs/\(APIHarness.run)"
    private static let owner = "Authorization: Bearer \(APIHarness.owner)\r\n"

    /// Runs the whole API on a socket.
    private func withServer(
        limits: ConnectionLimits = ConnectionLimits(),
        _ body: @Sendable (_ port: Int) async throws -> Void
    ) async throws {
        let harness = try await APIHarness()
        try await LoopbackServer.run { onRunning in
            harness.api.application(
                address: .hostname("127.0.0.1", port: 0),
                connections: limits,
                logger: .silent,
                onRunning: onRunning
            )
        } _: { port, _ in
            try await body(port)
        }
    }

    @Test(arguments: [
        ("/healthz", "200"), ("/readyz", "200"), ("/metrics", "200"), ("/openapi.json", "200"), ("/nothing", "404"),
        ("/mcp", "405"), ("\(run)/sandbox/port-forward", "401"), ("\(run)/preview-events", "401"),
        ("\(run)/sandbox/preview", "405"), ("\(run)/tool-approvals", "405"), ("/%zz?a=%00", "404"),
        ("/nothing/", "404"),
        ("\(run)/sandbox/preview/a-token/keepalive", "405"),
    ])
    func withoutCredentialsTheNextAnswerOnTheConnectionBeginsAtOnce(path: String, status: String) async throws {
        try await withServer { port in try await expectNoBody(of: path, status: status, on: port) }
    }

    @Test(arguments: [
        ("\(run)/sandbox/port-forward", "200"), ("\(run)/preview-requests", "200"), ("\(run)/preview-events", "200"),
        ("\(run)/preview-requests/unknown", "404"), ("/api/runs/-/sandbox/port-forward", "400"),
        ("/api/runs/9f2a9c1e-0000-4000-8000-000000000009/sandbox/port-forward", "403"),
    ])
    func withCredentialsTheNextAnswerOnTheConnectionBeginsAtOnce(path: String, status: String) async throws {
        try await withServer { port in
            try await expectNoBody(of: path, status: status, fields: Self.owner, on: port)
        }
    }

    private func expectNoBody(of path: String, status: String, fields: String = "", on port: Int) async throws {
        try await RawClient.open(port: port) { connection in
            try await connection.send("HEAD \(path) HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
            let head = try await connection.read(until: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 \(status) "))
            #expect(!head.contains("\r\nConnection: close\r\n"))
            try await connection.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let next = try await connection.read(until: "\r\n\r\n")
            #expect(next.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let body = #"{"built":"unknown","commit":"unknown","status":"ok","version":"unknown"}"#
            #expect(try await connection.read(until: "}") == body)
        }
    }

    @Test(arguments: ["/nothing", "/mcp", "/healthz", "\(run)/sandbox/port-forward"])
    func theFieldsAreThoseOfTheAnswerToGET(path: String) async throws {
        try await withServer { port in
            var fields: [String: [String]] = [:]
            for method in ["GET", "HEAD"] {
                let client = try await RawClient.connect(to: port)
                try await client.send("\(method) \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let answer = await client.receive { $0.contains("\r\n\r\n") }
                let head = answer.split(separator: "\r\n\r\n", maxSplits: 1).first ?? ""
                fields[method] = head.split(separator: "\r\n").dropFirst().map(String.init)
                    .filter { !$0.hasPrefix("Date: ") }.sorted()
                try await client.close()
            }
            // The text of a 405 names the method, so its length differs.
            func comparable(_ method: String) -> [String]? {
                fields[method]?.filter { path != "/mcp" || !$0.hasPrefix("Content-Length: ") }
            }
            #expect(comparable("HEAD") == comparable("GET"))
            #expect(fields["HEAD"]?.contains { $0.hasPrefix("Content-Length: ") } == true)
        }
    }

    @Test(arguments: [
        ("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
        ("\r\nHEAD / HTTP/1.1\r\nno field\r\n\r\n", "400"), ("HEAD / HTTP/7.3\r\n\r\n", "400"),
        ("HEAD /\(String(repeating: "x", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n", "431"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 9_000))\r\n\r\n", "431"),
        ("HEAD /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n", "413"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno-size\r\n", "400"),
    ])
    func aHEADRequestThatIsRefusedHasNoBodyEither(request: String, status: String) async throws {
        try await withServer { port in
            let client = try await RawClient.connect(to: port)
            try await client.send(request)
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.hasSuffix("\r\n\r\n"))
            #expect(answer.contains("\r\nConnection: close\r\n"))
            #expect(answer.ranges(of: "\r\n\r\n").count == 1)
        }
    }

    @Test func aHeadWhoseBodyDoesNotComeIsA408WithoutBody() async throws {
        var limits = ConnectionLimits()
        limits.bodyTimeout = .milliseconds(50)
        try await LiveServer.run(limits) { request, context in
            _ = try await request.body.collect(upTo: context.maxUploadSize)
            return Response(status: .ok)
        } _: { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo")
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func pipelinedAnswersAreWhatEachRequestAskedFor() async throws {
        try await withServer { port in
            let client = try await RawClient.connect(to: port)
            try await client.send(
                "HEAD /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
                    + "HEAD /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            let answer = await client.receiveAll()
            let statuses = answer.ranges(of: "HTTP/1.1 ").map { answer[$0.upperBound...].prefix(3) }
            #expect(statuses == ["404", "200", "200"])
            #expect(answer.ranges(of: "{").count == 1)
            #expect(answer.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func noiseAfterARequestDoesNotReplaceItsAnswer() async throws {
        let harness = AsyncStream.makeStream(of: Void.self)
        try await LiveServer.run(ConnectionLimits()) { _, _ in
            for await _ in harness.stream { break }
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "done")))
        } _: { port in
            let client = try await RawClient.connect(to: port)
            // In one write, so that both are read before the response is written.
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nno request\r\n\r\n")
            harness.continuation.yield()
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.hasSuffix("done"))
        }
    }
}
