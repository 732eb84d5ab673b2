import FoundationEssentials
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// As many event streams as a replica forwards, with other requests at the same time.
@Suite("The router with many streams", .timeLimit(.minutes(4)))
struct ManyStreamsTests {
    private static let most = 1_000
    private static let openedAtOnce = 50

    @Test func aThousandStreamsLeaveRoomForRequestsAndOneMoreIsRefused() async throws {
        try await RouterSystemTests.serve { service, core in
            try service.addSandbox()
            var clients: [RawClient] = []
            while clients.count < Self.most {
                clients += try await Self.openStreams(Self.openedAtOnce, from: clients.count, at: service.port)
            }
            // `open` does not count the request for the state itself.
            try await core.until { $0.open == Self.most }
            let refused = try await RawResponse.get(Self.stream(Self.most), from: service.port)
            #expect(refused.status == 503)
            #expect(refused.field("Retry-After") == "1")

            try await withThrowingTaskGroup(of: Int?.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await RawResponse.get("/slow/10", from: service.port).status }
                }
                for try await status in group { #expect(status == 200) }
            }
            _ = try await service.startPreview()

            try await clients.removeLast().close()
            try await core.until { $0.open == Self.most - 1 }
            clients += try await Self.openStreams(1, from: Self.most, at: service.port)
            for client in clients { try await client.close() }
            try await core.until { $0.open == 0 }
        }
    }

    private static func stream(_ number: Int) -> String {
        let digits = String(number)
        let padded = String(repeating: "0", count: 12 - digits.count) + digits
        return "/api/runs/3f2a9c1e-0000-4000-9000-\(padded)/stream?count=1&hold=1"
    }

    /// Opens streams of different runs, and reads the first event of each.
    private static func openStreams(_ count: Int, from first: Int, at port: Int) async throws -> [RawClient] {
        try await withThrowingTaskGroup(of: RawClient.self) { group in
            for number in first..<first + count {
                group.addTask {
                    let client = try await RawClient.connect(to: port)
                    try await client.send("GET \(stream(number)) HTTP/1.1\r\nHost: h\r\n\r\n")
                    let bytes = await client.receiveBytes { $0.firstRange(of: "\"sequence\"".utf8) != nil }
                    #expect(bytes.firstRange(of: "\"sequence\"".utf8) != nil)
                    return client
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
