import HTTPTransport
import Hummingbird
import HummingbirdTesting
import NIOCore
import PreviewIdentity
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// A decision about another tool, of which the core API says nothing.
@Suite("Decisions that the core API does not answer", .timeLimit(.minutes(2)))
struct ForwardedDecisionTests {
    private static let path = "/api/runs/\(APIHarness.run)/tool-approvals"
    private static let body = #"{"request_id": "of-another-tool"}"#

    /// Never responds. It ends when its caller is cancelled.
    private struct SilentTransport: HTTPTransport {
        private let response = AsyncStream.makeStream(of: Void.self)
        let beginning = AsyncStream.makeStream(of: Void.self)
        let end = AsyncStream.makeStream(of: Void.self)

        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            defer { end.continuation.finish() }
            beginning.continuation.finish()
            for await _ in response.stream {}
            throw TransportError(.cancelled, "cancelled")
        }
    }

    /// Ends as if the request's time were over.
    private struct CancelledTransport: HTTPTransport {
        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            throw CancellationError()
        }
    }

    private func responder(_ transport: any HTTPTransport) async throws -> RouterResponder<PreviewRequestContext> {
        try await APIHarness().gateResponder(for: Caller(identity: "ada", role: .user), core: transport)
    }

    @Test func aTimeOutReportsThatTheDecisionMayHaveBeenMade() async throws {
        let responder = try await responder(CancelledTransport())
        try await Application(responder: responder, logger: .silent).test(.router) { client in
            let answer = try await client.call(.post, Self.path, body: Self.body)
            #expect(answer.status == 504)
            let message = try #require((answer.json as? [String: Any])?["error"] as? String)
            #expect(message.contains("may have been carried out"))
        }
    }

    @Test func aCallerThatLeavesEndsTheForwardedRequest() async throws {
        let transport = SilentTransport()
        let responder = try await responder(transport)
        try await Application(responder: responder, logger: .silent).test(.live) { client in
            let port = try #require(client.port)
            let caller = try await RawClient.connect(to: port)
            try await caller.send(
                """
                POST \(Self.path) HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                Content-Length: \(Self.body.utf8.count)\r\n\r\n\(Self.body)
                """
            )
            for await _ in transport.beginning.stream {}
            try await caller.close()
            for await _ in transport.end.stream {}
        }
    }
}
