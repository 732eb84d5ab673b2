import HTTPTypes
import Hummingbird
import HummingbirdTesting
import TestSupport
import Testing

@testable import PreviewServer

@Suite("Checks, and the host that the app sees", .timeLimit(.minutes(10)))
struct CheckRoutesTests {
    private let start = "/api/runs/\(APIHarness.run)/sandbox/port-forward"

    @Test(arguments: ["auto", "preserve", "localhost"])
    func theCallerMayChooseTheHostThatTheAppSees(host: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: #"{"target_port": 3000, "host_header": "\#(host)"}"#)
            let session = try #require(answer.json as? [String: Any])
            #expect(session["host_header"] as? String == (host == "localhost" ? "localhost" : "preserve"))
            let check = try await client.call(.get, start + "/\(session["session_id"] as? String ?? "")")
            #expect(check.status == 200)
            #expect((check.json as? [String: Any])?["host_header"] as? String == session["host_header"] as? String)
            #expect((check.json as? [String: Any])?["readiness"] as? String == "serving")
        }
    }

    @Test(arguments: [#""Localhost""#, #""example.com""#, #""""#, "1", "null", "[]"])
    func anotherHostIsRefused(host: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: #"{"target_port": 3000, "host_header": \#(host)}"#)
            #expect(answer.status == 400)
        }
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test(arguments: ["0", "1", "60"])
    func aCheckMayWait(seconds: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: #"{"target_port": 3000}"#)
            let token = (answer.json as? [String: Any])?["session_id"] as? String ?? ""
            let check = try await client.call(.get, start + "/\(token)?wait=\(seconds)")
            #expect(check.status == 200 && (check.json as? [String: Any])?["readiness"] as? String == "serving")
        }
    }

    @Test(arguments: ["-1", "61", "1.5", "soon", "", "99999999999999999999"])
    func anotherWaitIsRefused(wait: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"
            let answer = try await client.call(.get, start + "/\(token)?wait=\(wait)")
            #expect(answer.status == 400)
        }
    }

    @Test func aCheckOfWhatIsNoPreviewIs404() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            for token in ["none", "no-such-preview-aaaaaaaaaaaaaaaaaaaaaaaaaa"] {
                let answer = try await client.call(.get, start + "/\(token)")
                #expect(answer.status == 404)
            }
        }
    }
}
