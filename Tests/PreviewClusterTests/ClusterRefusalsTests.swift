import Basics
import HTTPTransport
import KubernetesClient
import KubernetesModel
import Logging
import PreviewControl
import PrometheusMetrics
import TestSupport
import Testing

@testable import PreviewCluster

@Suite("Refusals of the API server in the log and the metrics", .timeLimit(.minutes(10)))
struct ClusterRefusalsTests {
    private static let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"

    private static func refusal(_ code: Int, _ message: String) -> ScriptedTransport.Reply {
        .json(
            code,
            #"{"kind":"Status","status":"Failure","message":"\#(message)","reason":"Forbidden","details":{"name":"x"},"code":\#(code)}"#
        )
    }

    private static let quota = refusal(
        403,
        #"services \"preview-\#(token)\" is forbidden: exceeded quota: q, requested: count/services=1"#
    )

    private struct Fixture {
        let clock = ManualClock()
        let log = RecordedLog()
        let metrics = PrometheusRegistry(help: [:])
        let transport: ScriptedTransport
        let client: KubernetesClient

        init(_ reply: @escaping @Sendable (TransportRequest, Int) -> ScriptedTransport.Reply?) throws {
            let transport = ScriptedTransport(clock: clock, reply)
            self.transport = transport
            guard let server = try? BaseURL("https://cluster.example:6443") else {
                throw KubernetesError(.configuration, "the test's URL")
            }
            client = KubernetesClient(
                configuration: ClusterConfiguration(server: server, credential: .token(Secret("t0ken"))),
                clock: clock,
                failureObserver: ClusterRefusals(metrics, time: MonotonicTime(clock), logger: log.logger).observe
            ) { _ in transport }
        }

        func create() async {
            let service = Service(metadata: ObjectMeta(name: "x"), spec: Service.Spec())
            _ = try? await client.create(service, in: "n")
        }
    }

    @Test func oneLineAMinuteSaysWhyWithoutTheToken() async throws {
        let fixture = try Fixture { _, _ in Self.quota }
        for _ in 0..<10 { await fixture.create() }
        let line = try #require(fixture.log.lines.first)
        #expect(fixture.log.lines.count == 1)
        #expect(line.level == .warning)
        #expect(line.metadata["cause"] == "quota_exceeded" && line.metadata["request"] == "create services")
        #expect(line.metadata["reason"]?.contains("exceeded quota: q, requested: count/services=1") == true)
        #expect(!line.text.contains(Self.token) && !line.text.contains("k7m2q4x3"))
        fixture.clock.advance(by: .seconds(60))
        await fixture.create()
        #expect(fixture.log.lines.count == 2)
        #expect(fixture.log.lines.last?.metadata["held_back"] == "9")
        #expect(fixture.metrics.text.contains(#"preview_gateway_cluster_refusals_total{cause="quota_exceeded"} 11"#))
    }

    /// The increase from an absent counter to 1 is no increase for Prometheus, so no alert would see it.
    @Test func theCountersAreZeroBeforeTheFirstRefusal() async throws {
        let fixture = try Fixture { _, _ in Self.quota }
        let samples = fixture.metrics.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(samples.count == KubernetesError.Kind.refusals.count)
        #expect(samples.allSatisfy { $0.hasPrefix("preview_gateway_cluster_refusals_total{") && $0.hasSuffix(" 0") })
    }

    @Test func anotherCauseHasALineOfItsOwn() async throws {
        let webhook = Self.refusal(403, #"admission webhook \"w\" denied the request: preview-\#(Self.token)"#)
        let fixture = try Fixture { _, index in index % 2 == 0 ? Self.quota : webhook }
        for _ in 0..<10 { await fixture.create() }
        #expect(fixture.log.lines.map { $0.metadata["cause"] } == ["quota_exceeded", "webhook_denied"])
        #expect(!fixture.log.lines.contains { $0.text.contains(Self.token) })
    }

    @Test func aNotFoundResponseToAReadIsNotLogged() async throws {
        let fixture = try Fixture { _, _ in
            .json(404, #"{"kind":"Status","reason":"NotFound","details":{"name":"x","kind":"services"},"code":404}"#)
        }
        _ = try? await fixture.client.get(Service.self, named: "x", in: "n")
        #expect(fixture.log.lines.isEmpty)
    }

    @Test func aHostileReasonCannotFillOrForgeTheLog() async throws {
        let fixture = try Fixture { _, _ in
            Self.refusal(
                400,
                #"admission webhook \"w\" denied the request: a\\nERROR \#(String(repeating: "x ", count: 5000))"#
            )
        }
        await fixture.create()
        let reason = try #require(fixture.log.lines.first?.metadata["reason"])
        #expect(reason.count < 500 && !reason.contains("\n"))
    }
}
