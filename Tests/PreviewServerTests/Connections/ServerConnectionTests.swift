import HTTPTypes
import Hummingbird
import NIOCore
import Router
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// A real server on a socket, with clients that misbehave.
@Suite("The server's connections", .timeLimit(.minutes(2)))
struct ServerConnectionTests {
    private static func answer(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        _ = try await request.body.collect(upTo: context.maxUploadSize)
        return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "done")))
    }

    @Test func aClientThatDisappearsIsDetectedByTCPKeepalive() async throws {
        var limits = ConnectionLimits()
        limits.keepaliveIdle = .seconds(61)
        limits.keepaliveInterval = .seconds(16)
        limits.keepaliveProbes = 5
        let answer = try await LiveServer.run(
            limits,
            responder: { _, context in
                let channel = context.channel
                let isOn = try await channel.getOption(.socketOption(.so_keepalive)).get()
                let values = [
                    try await channel.getOption(.keepaliveIdle).get(),
                    try await channel.getOption(.keepaliveInterval).get(),
                    try await channel.getOption(.keepaliveProbes).get(),
                ]
                return Response(
                    status: .ok,
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "\(isOn != 0) \(values)"))
                )
            }
        ) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return await client.receiveAll()
        }
        #expect(answer.hasSuffix("true [61, 16, 5]"))
    }

    private func statusLine(_ answer: String) -> Substring { answer.prefix { $0 != "\r" } }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 9_000))\r\n\r\n", "431"),
        ("GET /\(String(repeating: "x", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n", "431"),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + (0..<101).map { "X\($0): y\r\n" }.joined() + "\r\n", "431"),
        (
            "GET / HTTP/1.1\r\nHost: a\r\n"
                + (0..<40).map { "X\($0): \(String(repeating: "y", count: 500))\r\n" }.joined() + "\r\n", "431"
        ),
        ("HELO example.com\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot-a-size\r\n", "400"),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\r\n\r\n", "400"),
    ])
    func anUnacceptableRequestGetsAnErrorInJSONAndTheConnectionEnds(bytes: String, status: String) async throws {
        try await LiveServer.run(ConnectionLimits(), responder: Self.answer) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send(bytes)
            let answer = await client.receiveAll()
            #expect(statusLine(answer).hasPrefix("HTTP/1.1 \(status) "))
            #expect(answer.contains("Connection: close\r\n"))
            #expect(answer.contains("\r\n\r\n{\"error\":\""))
            #expect(answer.contains("X-Content-Type-Options: nosniff\r\n"))
        }
    }

    @Test func aBodyOf1GBIsAnsweredBeforeItIsSent() async throws {
        try await LiveServer.run(ConnectionLimits(), responder: Self.tooLarge) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1073741824\r\n\r\n")
            let answer = await client.receiveAll()
            #expect(statusLine(answer).hasPrefix("HTTP/1.1 413 "))
            #expect(answer.contains("Connection: close\r\n"))
        }
    }

    @Test(arguments: [true, false])
    func onlyALittleOfAnEndlessBodyIsRead(handlerReadsBody: Bool) async throws {
        var limits = ConnectionLimits()
        limits.maxLingeringBytes = 64 * 1_024
        limits.lingerTimeout = .seconds(30)
        let responder: @Sendable (Request, PreviewRequestContext) async throws -> Response = { request, context in
            handlerReadsBody ? try await Self.tooLarge(request, context) : Response(status: .ok)
        }
        try await LiveServer.run(limits, responder: responder) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let chunk = "4000\r\n\(String(repeating: "x", count: 16_384))\r\n"
            var sentChunks = 0
            // The kernel's buffers take some megabytes in addition to what the server reads.
            while sentChunks < 65_536, (try? await client.send(chunk)) != nil { sentChunks += 1 }
            #expect(sentChunks < 4_096)
            try await client.waitUntilClosed()
        }
    }

    private static func tooLarge(_ request: Request, _ context: PreviewRequestContext) async throws -> Response {
        do {
            return try await BodyLimitMiddleware().handle(request, context: context, next: answer)
        } catch {
            return try APIError(error, context: context).response(from: request, context: context)
        }
    }

    @Test func aClientThatAsksBeforeItSendsIsToldToGoOn() async throws {
        try await LiveServer.run(ConnectionLimits(), responder: Self.answer) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            let interim = await client.receive { $0.contains("\r\n\r\n") }
            #expect(interim == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("body")
            let answer = await client.receive { $0.contains("done") }
            #expect(answer.contains("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test func aSlowHeadIsCutOffWhileOthersAreServed() async throws {
        var limits = ConnectionLimits()
        limits.headTimeout = .milliseconds(50)
        try await LiveServer.run(limits, responder: Self.answer) { port in
            let slow = try await RawClient.connect(to: port)
            try await slow.send("GET / HTTP/1.1\r\nHost: a\r\nX-")
            // On a busy machine this connection may be cut off too, and is then opened again.
            var answer = ""
            while !answer.hasSuffix("done") {
                let other = try await RawClient.connect(to: port)
                try? await other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                answer = await other.receive { $0.hasSuffix("done") }
            }
            #expect(await slow.receiveAll() == "")
        }
    }

    @Test(arguments: ["1.0", "1.1"])
    func aSlowBodyIsA408(version: String) async throws {
        var limits = ConnectionLimits()
        limits.bodyTimeout = .milliseconds(50)
        try await LiveServer.run(limits, responder: Self.answer) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("POST / HTTP/\(version)\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo")
            let answer = await client.receiveAll()
            #expect(statusLine(answer).hasPrefix("HTTP/\(version) 408 "))
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        var limits = ConnectionLimits()
        limits.idleTimeout = .milliseconds(50)
        try await LiveServer.run(limits, responder: Self.answer) { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let answer = await client.receiveAll()
            #expect(answer.hasSuffix("done"))
        }
    }

    @Test func aClientThatDoesNotReadItsResponseIsDisconnected() async throws {
        var limits = ConnectionLimits()
        limits.writeTimeout = .milliseconds(50)
        let ended = AsyncStream.makeStream(of: Void.self)
        try await LiveServer.run(limits) { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    defer { ended.continuation.finish() }
                    while true { try await writer.write(ByteBuffer(repeating: 120, count: 1 << 16)) }
                }
            )
        } _: { port in
            let client = try await RawClient.connect(to: port, reading: false)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for await _ in ended.stream {}
            try await client.close()
        }
    }

    /// 2,000 connections, because the limit of open files may be 4,096 in tests; a server has many times that.
    @Test func thousandsOfIdleConnectionsAreBoundedAndKeepNoOtherOut() async throws {
        var limits = ConnectionLimits()
        limits.maxConnections = 200
        // However busy the machine is, no time limit closes any of them.
        limits.headTimeout = .seconds(3600)
        limits.idleTimeout = .seconds(3600)
        try await LiveServer.run(limits, responder: Self.answer) { port in
            let served = try await RawClient.connect(to: port)
            for _ in 0..<20 {
                for _ in 0..<100 { _ = try await RawClient.connect(to: port, reading: false) }
                // A connection in use stays open, and new ones are served.
                try await served.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                let new = try await RawClient.connect(to: port)
                try await new.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                #expect(await new.receiveAll().hasSuffix("done"))
            }
            let answers = await served.receive { $0.components(of: "done") == 20 }
            #expect(answers.components(of: "done") == 20)
        }
    }

    @Test(arguments: ["", "Connection: keep-alive\r\n", "Expect: 100-continue\r\nContent-Length: 0\r\n"])
    func aClientOfHTTP10GetsItsBodyWithoutChunksUntilTheConnectionEnds(fields: String) async throws {
        try await LiveServer.run(ConnectionLimits()) { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "one "))
                    try await writer.write(ByteBuffer(string: "two"))
                    try await writer.finish(nil)
                }
            )
        } _: { port in
            let client = try await RawClient.connect(to: port)
            try await client.send("GET / HTTP/1.0\r\nHost: a\r\n\(fields)\r\n")
            let answer = await client.receiveAll()
            #expect(answer.hasPrefix("HTTP/1.0 200 OK\r\n"))
            #expect(answer.hasSuffix("\r\n\r\none two"))
            #expect(!answer.lowercased().contains("transfer-encoding"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await LiveServer.run(ConnectionLimits()) { request, context in
            _ = try await request.body.collect(upTo: context.maxUploadSize)
            return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(string: "[\(request.uri.path)]")))
        } _: { port in
            let client = try await RawClient.connect(to: port)
            let one = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
            try await client.send(
                one + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            let answer = await client.receiveAll()
            let order = ["[/1]", "[/2]", "[/3]"].compactMap { answer.firstRange(of: $0)?.lowerBound }
            #expect(order.count == 3)
            #expect(order == order.sorted())
        }
    }
}

extension String {
    fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
