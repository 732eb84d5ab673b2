import Basics
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import PreviewDomain
import PreviewIdentity
import TestSupport
import Testing

@testable import PreviewControl
@testable import PreviewServer

/// The whole API over a simulated cluster.
struct APIHarness: Sendable {
    static let key = "a-service-key-for-tests"
    /// The access token of the owner of the runs below.
    static let owner = AccessIdentity.owner.bearer
    static let run = "3f2a9c1e-0000-4000-8000-000000000001"
    /// Another run with another claim: the name of a claim contains the first 12 digits of the run ID.
    static let otherRun = "9b1d7c2e-0000-4000-8000-000000000002"

    let cluster = SimulatedCluster()
    /// Times the messages to waiting clients.
    let clock = ManualClock()
    let policy = PreviewPolicy.testing()
    /// Times the waits of the use cases.
    let controlClock = ManualClock()
    let timeline = RecordingTimeline()
    let log = SimulatedTimelineLog()
    let core: ReplicaCore
    let api: PreviewAPI

    var gate: AgentPreviewGate { core.gate }

    init(
        limits: RequestLimits = RequestLimits(),
        draining: Draining = Draining(),
        approvals: ApprovalPolicy = ApprovalPolicy(),
        facts: (any RunFactsSource)? = nil,
        isSwept: Bool = true
    ) async throws {
        let time = MonotonicTime(controlClock)
        let random = SeededRandom(seed: 42)
        core = ReplicaCore(
            cluster.ports,
            policy: policy,
            approvalPolicy: approvals,
            facts: facts,
            timeline: timeline,
            time: time,
            randomBytes: { random.bytes($0) },
            jitter: { 0 },
            logger: .silent
        )
        if isSwept { try await core.reaper.sweep() }
        let asked = SharedCount()
        api = PreviewAPI(
            core: core,
            authenticator: try await AccessIdentity.authenticator(),
            access: RunAccess(ClaimAuthority(owners: cluster, uptime: time.uptime)),
            address: PreviewAddress(zone: try ZoneSuffix("preview.example.com")),
            timeline: TimelineReader(sandboxes: cluster, log: log),
            allowedOrigins: try #require(AllowedOrigins("https://console.example.com")),
            time: MonotonicTime(clock),
            limits: limits,
            draining: draining,
            metricsPage: { "asked \(asked.add())\n" }
        )
        cluster.addSandbox(for: try RunID(Self.run))
        cluster.addSandbox(for: try RunID(Self.otherRun), pod: "pod-2")
    }

    func test(_ work: @Sendable @escaping (any TestClientProtocol) async throws -> Void) async throws {
        try await Application(responder: api.responder()).test(.router) { try await work($0) }
    }
}

extension TestClientProtocol {
    func call(
        _ method: HTTPRequest.Method,
        _ path: String,
        body: String? = nil,
        headers: HTTPFields = .json(bearer: APIHarness.owner)
    ) async throws -> (status: Int, json: Any?, headers: HTTPFields) {
        try await execute(
            uri: path,
            method: method,
            headers: headers,
            body: body.map { ByteBuffer(string: $0) }
        ) { response in
            (
                response.status.code,
                try? JSON(Data(response.body.readableBytesView)).value,
                response.headers
            )
        }
    }
}

/// A JSON document of any shape.
struct JSON: Decodable {
    let value: Any

    init(_ data: Data) throws { self = try JSONDecoder().decode(JSON.self, from: data) }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let bool = try? container.decode(Bool.self) {
            value = bool
        } else if let int = try? container.decode(Int.self) {
            value = int
        } else if let string = try? container.decode(String.self) {
            value = string
        } else if let array = try? container.decode([JSON].self) {
            value = array.map(\.value)
        } else {
            value = try container.decode([String: JSON].self).mapValues(\.value)
        }
    }
}

@Suite("The HTTP API", .timeLimit(.minutes(10)))
struct PreviewAPITests {
    private let start = "/api/runs/\(APIHarness.run)/sandbox/port-forward"

    @Test func aStartAnswersTheContractsSession() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: #"{"target_port": 3000}"#)
            #expect(answer.status == 200)
            let session = try #require(answer.json as? [String: Any])
            let token = try #require(session["session_id"] as? String)
            #expect(session["local_port"] as? Int == 0)
            #expect(session["target_port"] as? Int == 3000)
            #expect(session["pod_name"] as? String == "pod-1")
            #expect(session["preview_url"] as? String == "https://\(token)-preview.preview.example.com")
            #expect(
                session["keepalive_url"] as? String
                    == "/api/runs/\(APIHarness.run)/sandbox/preview/\(token)/keepalive"
            )
            #expect(session["ready"] as? Bool == true && session["readiness"] as? String == "serving")
            #expect(session["host_header"] as? String == "preserve")
            for key in ["started_at", "expires_at", "max_until"] {
                #expect((session[key] as? String).flatMap(RFC3339.date) != nil)
            }
            #expect(answer.headers[.serverTiming]?.contains("provision;dur=") == true)
            #expect(answer.headers[.cacheControl] == "no-store")
        }
    }

    @Test(arguments: [
        #"{"target_port": 3000}"#, #"{"targetPort": 3000}"#, #"{"target_port": 3000, "targetPort": 3000}"#,
        #"{"target_port": 3000, "more": [1, {"x": null}]}"#, #"{"target_port": "3000"}"#, #"{"targetPort": "3000"}"#,
        #"{"target_port": "3000", "targetPort": 3000}"#,
    ])
    func bothSpellingsOfThePortAreAccepted(body: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: body)
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [
        "", "{", "[]", "null", "3000", #""3000""#, "{}", #"{"target_port": "30OO"}"#, #"{"target_port": null}"#,
        #"{"target_port": ""}"#, #"{"target_port": " 3000"}"#, #"{"target_port": "+3000"}"#,
        #"{"target_port": "3000.0"}"#,
        #"{"target_port": "-1"}"#, #"{"target_port": "٣٠٠٠"}"#, #"{"target_port": ["3000"]}"#, #"{"target_port": "0"}"#,
        #"{"target_port": "99999999999999999999999"}"#, #"{"target_port": "3000", "targetPort": "3001"}"#,
        #"{"target_port": 3000.5}"#, #"{"target_port": 1e99}"#, #"{"target_port": 3000, "targetPort": 3001}"#,
        #"{"target_port": 0}"#, #"{"target_port": -1}"#, #"{"target_port": 65536}"#, #"{"target_port": 22}"#,
        #"{"target_port": 99999999999999999999999}"#, "\u{0}", #"{"target_port": 3000"#,
    ])
    func aBodyThatCannotBeUsedIsA400ThatSaysWhatIsExpected(body: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: body)
            #expect(answer.status == 400)
            let error = (answer.json as? [String: Any])?["error"] as? String
            #expect(error?.contains("3000") == true)
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func aBodyThatIsNotJSONByItsTypeIsA415() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(
                .post,
                start,
                body: "target_port=3000",
                headers: [
                    .authorization: "Bearer \(APIHarness.owner)", .contentType: "application/x-www-form-urlencoded",
                ]
            )
            #expect(answer.status == 415)
            #expect((answer.json as? [String: Any])?["error"] is String)
        }
    }

    @Test func aBodyOver16KiBIsA413() async throws {
        let harness = try await APIHarness()
        let padding = String(repeating: " ", count: 16 * 1024)
        try await harness.test { client in
            let answer = try await client.call(.post, start, body: #"{"target_port": 3000}"# + padding)
            #expect(answer.status == 413)
            #expect((answer.json as? [String: Any])?["error"] is String)
        }
    }

    @Test(arguments: [
        String(repeating: "a", count: 129), String(repeating: "a", count: 10_000), "..%2F..%2Fetc", "%2E%2E", "a%2Fb",
        "%F0%9F%92%A5", "a%00b", "-a", "a%20b", "a%0Ab", ".hidden", "%ff",
    ])
    func anAbsurdRunIDIsA400(run: String) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            for (method, path) in [
                (HTTPRequest.Method.post, "/api/runs/\(run)/sandbox/port-forward"),
                (.get, "/api/runs/\(run)/sandbox/port-forward"),
                (.delete, "/api/runs/\(run)/sandbox/port-forward/some-token"),
                (.post, "/api/runs/\(run)/sandbox/preview/some-token/keepalive"),
            ] {
                let answer = try await client.call(method, path, body: #"{"target_port": 3000}"#)
                #expect(answer.status == 400, "\(method) of \(run.prefix(20))")
                #expect((answer.json as? [String: Any])?["error"] is String)
            }
        }
    }

    @Test func anEmptyRunIDIsNoRoute() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(.get, "/api/runs//sandbox/port-forward")
            #expect(answer.status == 404)
            #expect((answer.json as? [String: Any])?["error"] is String)
        }
    }

    @Test(
        arguments: [
            [:], [.authorization: "Bearer wrong-key-wrong-key"], [.authorization: APIHarness.key],
            [.authorization: "Basic \(APIHarness.key)"], [.authorization: "Bearer "], [.authorization: ""],
        ] as [HTTPFields]
    )
    func withoutTheKeyEveryRouteIsA401(headers: HTTPFields) async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            for (method, path) in [
                (HTTPRequest.Method.post, start), (.get, start), (.delete, "\(start)/token"),
                (.post, "/api/runs/\(APIHarness.run)/sandbox/preview/token/keepalive"),
            ] {
                let answer = try await client.call(method, path, headers: headers)
                #expect(answer.status == 401)
                #expect(answer.headers[.wwwAuthenticate] == "Bearer")
            }
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func keepaliveListAndStopAnswerTheContractsBodies() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let session = try #require(
                try await client.call(.post, start, body: #"{"target_port": 3000}"#).json as? [String: Any]
            )
            let token = try #require(session["session_id"] as? String)
            let keepalive = try await client.call(.post, try #require(session["keepalive_url"] as? String))
            let kept = try #require(keepalive.json as? [String: Any])
            #expect(kept["token"] as? String == token)
            #expect(kept["kept_alive"] as? Bool == true)
            #expect(kept["expires_at"] is String)
            #expect(kept["max_until"] is String)

            let list = try #require(try await client.call(.get, start).json as? [[String: Any]])
            #expect(list.map { $0["session_id"] as? String } == [token])
            let others = try await client.call(.get, "/api/runs/\(APIHarness.otherRun)/sandbox/port-forward")
            #expect((others.json as? [Any])?.isEmpty == true)

            let stopped = try #require(try await client.call(.delete, "\(start)/\(token)").json as? [String: Any])
            #expect(stopped["session_id"] as? String == token)
            #expect(stopped["stopped"] as? Bool == true)
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func foreignUnknownAndMalformedTokensGetTheSameAnswerAfterTheSameRequests() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let session = try #require(
                try await client.call(.post, start, body: #"{"target_port": 3000}"#).json as? [String: Any]
            )
            let token = try #require(session["session_id"] as? String)
            harness.core.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
            harness.core.mirror.apply(.backends(.replaced(try await harness.cluster.backends())))
            let other = "/api/runs/\(APIHarness.otherRun)/sandbox"
            for verb in [HTTPRequest.Method.delete, .post] {
                var answers: Set<String> = []
                for candidate in [
                    token, "swift-falcon-amber-aaaaaaaaaaaaaaaaaaaaaaaaaa", "UPPER", "a_b", "%00", "agentweaver",
                    String(repeating: "a", count: 500), "..%2F", "%F0%9F%92%A5",
                ] {
                    let path =
                        verb == .delete
                        ? "\(other)/port-forward/\(candidate)" : "\(other)/preview/\(candidate)/keepalive"
                    harness.cluster.clearLog()
                    let answer = try await client.call(verb, path)
                    #expect(answer.status == 404)
                    #expect(!harness.cluster.log.isEmpty)
                    answers.insert("\(answer.json ?? "") \(answer.headers) \(harness.cluster.log)")
                }
                #expect(answers.count == 1)
            }
            #expect(harness.cluster.liveRoutes.count == 1)
        }
    }

    @Test func aReachedLimitIsA429WithRetryAfter() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            for port in 3000..<3003 {
                #expect(try await client.call(.post, start, body: #"{"target_port": \#(port)}"#).status == 200)
            }
            let answer = try await client.call(.post, start, body: #"{"target_port": 3003}"#)
            #expect(answer.status == 429)
            #expect(answer.headers[.retryAfter].flatMap(Int.init) != nil)
        }
    }

    @Test func aClusterThatFailsIsA503WithRetryAfterAndWithoutSecrets() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            harness.cluster.fail(
                .createRoute,
                .before(ClusterError(.unavailable, "the API server answered 429", retryAfter: .seconds(7)))
            )
            let answer = try await client.call(.post, start, body: #"{"target_port": 3000}"#)
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] == "7")
            #expect(harness.cluster.liveBackends.isEmpty)
        }
    }

    @Test func aRunWithoutASandboxIsA409() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            let answer = try await client.call(
                .post,
                "/api/runs/3f2a9c1e-0000-4000-8000-00000000ffff/sandbox/port-forward",
                body: #"{"target_port": 3000}"#,
                headers: [.authorization: "Bearer \(AccessIdentity.operator.bearer)"]
            )
            #expect(answer.status == 409)
        }
    }

    @Test func healthNeedsNoCredentialsAndUnknownRoutesAreJSON404s() async throws {
        let harness = try await APIHarness()
        try await harness.test { client in
            #expect(try await client.call(.get, "/healthz", headers: [:]).status == 200)
            #expect(try await client.call(.get, "/readyz", headers: [:]).status == 200)
            let unknown = try await client.call(.get, "/nowhere", headers: [:])
            #expect(unknown.status == 404)
            #expect((unknown.json as? [String: Any])?["error"] is String)
        }
    }
}
