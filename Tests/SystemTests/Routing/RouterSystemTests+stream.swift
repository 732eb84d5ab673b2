import FoundationEssentials
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

extension RouterSystemTests {
    // MARK: The run's event stream

    @Test(arguments: [1, 7, 64, 0])
    func ourEventsAreSetBetweenTheCoreAPIsHoweverItWrites(cut: Int) async throws {
        try await Self.serve { service, _ in
            try service.addSandbox()
            let asked = try await service.requestPreview()
            let id = try #require(asked["request_id"])
            let path = "\(Self.run)/stream?count=3&hold=1&cut=\(cut)"
            let client = try await RawClient.connect(to: service.port)
            try await client.send("GET \(path) HTTP/1.1\r\nHost: h\r\nLast-Event-ID: 1\r\n\r\n")
            let shown = Self.decoded(
                await client.receiveBytes { bytes in
                    let events = Self.decoded(bytes)
                    return events.contains(id) && events.contains(#""sequence": 3"#)
                }
            )
            #expect(shown.contains(#""toolName":"start_preview","url":"sandbox-preview:3000""#))
            #expect(shown.contains(#""intention":"The agent wants to expose"#))
            #expect(!shown.contains(#""sequence": 1"#))
            let denial = try await service.call(
                .post,
                "\(Self.run)/tool-denials",
                body: #"{"request_id": "\#(id)"}"#
            )
            #expect(denial.status == 200)
            let settled = Self.decoded(
                await client.receiveBytes { Self.decoded($0).contains(#""callId":"\#(id)""#) }
            )
            #expect(settled.contains("event: tool.error"))
            try await client.close()
            let events = Self.events(in: settled)
            #expect(events.count { $0.hasPrefix("id: ") } == 2)
            #expect(events.allSatisfy { $0.hasPrefix("id: ") || $0.hasPrefix("event: tool.") })
        }
    }

    @Test func aPendingRequestOfAChildRunIsSentToTheReadersOfItsParent() async throws {
        let child = ServiceUnderTest.otherRun
        try await Self.serve(core: ["--parent", "\(child)=\(ServiceUnderTest.run)"]) { service, _ in
            try service.addSandbox(run: child)
            let client = try await RawClient.connect(to: service.port)
            try await client.send(
                """
                GET \(Self.run)/stream?count=1&hold=1 HTTP/1.1\r\nHost: h\r\n\
                Authorization: Bearer \(ServiceUnderTest.owner)\r\n\r\n
                """
            )
            _ = await client.receiveBytes { Self.decoded($0).contains(#""sequence": 1"#) }
            let asked = try await service.requestPreview(of: child)
            let id = try #require(asked["request_id"])
            let shown = Self.decoded(await client.receiveBytes { Self.decoded($0).contains(id) })
            #expect(shown.contains("\n\nevent: coordinator.child_approval_required\ndata: "))
            #expect(shown.contains(#""childRunId":"\#(child)""#))
            let approval = try await service.call(
                .post,
                "/api/runs/\(child)/tool-approvals",
                body: #"{"request_id": "\#(id)", "scope": "once"}"#
            )
            #expect(approval.status == 200)
            try await client.close()
        }
    }

    @Test func theCoreAPIsLastEventEndsTheStream() async throws {
        try await Self.serve { service, _ in
            try service.addSandbox()
            let answer = try await RawResponse.get("\(Self.run)/stream?count=1", from: service.port)
            #expect(answer.body.hasSuffix("0\r\n\r\n"))
            let events = Self.events(in: Self.decoded(Array(answer.text.utf8)))
            #expect(events.last?.hasPrefix("event: done") == true)
            let refused = try await RawResponse.get(
                "\(Self.run)/stream",
                from: service.port,
                "Authorization: Bearer \(ServiceUnderTest.key)\r\n"
            )
            #expect(refused.status == 403)
            #expect(!refused.body.contains("event:"))
        }
    }

    private static func events(in body: String) -> [String] {
        body.split(separator: "\n\n").map { String($0) }.filter { !$0.hasPrefix(":") }
    }

    /// The part of a chunked body that has arrived.
    private static func decoded(_ answer: [UInt8]) -> String {
        guard let head = answer.firstRange(of: "\r\n\r\n".utf8) else { return "" }
        var rest = answer[head.upperBound...]
        var bytes: [UInt8] = []
        while let line = rest.firstRange(of: "\r\n".utf8),
            let size = Int(String(decoding: rest[..<line.lowerBound], as: UTF8.self), radix: 16), size > 0
        {
            bytes += rest[line.upperBound...].prefix(size)
            rest = rest[line.upperBound...].dropFirst(size + 2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    // MARK: Outages

    @Test func whileTheCoreAPIIsAwayOurOwnRoutesAreServed() async throws {
        let port = try #require(Sockets.freePort(address: "127.0.0.1"))
        let settings = ["Agentweaver__ApiBaseUrl": "http://127.0.0.1:\(port)", "Router__Enabled": "true"]
        try await ServiceUnderTest.run(settings: settings) { service in
            let answer = try await RawResponse.get("/api/x", from: service.port)
            #expect(answer.status == 502)
            #expect(answer.field("Retry-After") == "5")
            #expect(answer.field("X-Request-ID")?.count == 32)
            let ready = try await RawResponse.get("/readyz", from: service.port)
            #expect(ready.status == 200)
        }
    }

    @Test func whileTheClusterIsAwayRequestsArePassedOn() async throws {
        try await Self.serve { service, _ in
            service.server.faults.add(.init(times: nil, fault: .drop))
            defer { service.server.faults.clear() }
            let passedOn = try await RawResponse.get("/slow/0", from: service.port)
            #expect(passedOn.status == 200)
            let body = #"{"request_id": "core-request"}"#
            let denied = try await service.call(.post, "\(Self.run)/tool-denials", body: body)
            #expect(denied.status == 200)
        }
    }
}
