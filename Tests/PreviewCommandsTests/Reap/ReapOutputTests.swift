import Basics
import FoundationEssentials
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewCommands

/// Tests the table, the explanation and the document that `reap` prints about previews in several states.
@Suite("What reap prints", .timeLimit(.minutes(10)))
struct ReapOutputTests {
    private typealias Key = PreviewAnnotations.Key

    private static let labels = ["alive", "broken", "deleted", "podless"]
    private let cluster = SimulatedCluster()
    private let policy = PreviewPolicy.testing()

    init() throws {
        let run = try RunID("3f2a9c1e-0000-4000-8000-000000000001")
        let pod = cluster.addSandbox(for: run)
        for label in Self.labels {
            let token = try #require(PreviewToken(label))
            let facts = PreviewAnnotations(
                expiresAt: cluster.now + .seconds(900),
                maxUntil: cluster.now + .seconds(20_000),
                runID: run,
                claimUID: "claim-of-pod-1",
                token: token,
                owner: "ada",
                pod: pod.name,
                podUID: label == "podless" ? "another" : pod.uid,
                targetPort: 3000,
                startedAt: cluster.now - .seconds(900)
            )
            cluster.addRoute(
                name: token.objectName,
                labels: PreviewLabel.labels(token: token, run: run.label),
                annotations: facts.encoded(),
                age: .seconds(900)
            )
            cluster.addBackend(token, run: run.label, age: .seconds(900))
        }
        cluster.annotate(
            try #require(PreviewToken("broken")),
            [Key.expiresAt: "never", Key.maxUntil: "9999-12-31T23:59:59Z", Key.owner: nil, Key.pod: "p\u{1B}[31m"]
        )
        cluster.markRouteAsBeingDeleted(try #require(PreviewToken("deleted")))
        cluster.addBackend(try #require(PreviewToken("lonely")), run: nil, age: .seconds(100))
        // Ages are those at the earliest instant that the cluster's clock can show.
        cluster.advance(by: .zero)
    }

    private var now: Date { cluster.now - SimulatedCluster.uncertainty }

    private var sweep: SingleSweep { SingleSweep(policy: policy, objects: cluster, clusterTime: cluster) }

    private func fingerprint(_ text: String) throws -> String { try #require(PreviewToken(text)).fingerprint }

    private func lines(_ text: String) throws -> [String: String] {
        var lines: [String: String] = [:]
        for line in text.split(separator: "\n") { lines[String(line.prefix(8))] = String(line) }
        return lines
    }

    private func explanation(of label: String) async throws -> String {
        let report = try await sweep.inspect(withClaims: true)
        let entry = try #require(report.entries.first { $0.token.text == label })
        return ReapExplanation(entry, report).text
    }

    // MARK: Table

    @Test func theTableHasALineForEachPreview() async throws {
        let text = ReapTable(try await sweep.inspect(), outcomes: nil, namespace: "agentweaver").text
        let lines = try lines(text)
        let run = "3f2a9c1e-0000-4000-8000-000000000001"
        let header = """
            FINGERPRINT   RUN                                    AGE     IDLE LEFT   CAP LEFT   POD       DECISION   \
            REASON
            """
        #expect(lines["FINGERPR"] == header)
        #expect(
            try lines[fingerprint("alive")]?.dropFirst(8)
                == "      \(run)   15m     15m         5h33m      present   keep       idle in 15m"
        )
        let broken = try lines[fingerprint("broken")]
        #expect(broken?.hasSuffix("15m         7h45m      present   keep       idle in 15m") == true)
        #expect(try lines[fingerprint("deleted")]?.hasSuffix("present   leave      being deleted") == true)
        #expect(try lines[fingerprint("podless")]?.hasSuffix("gone      reap       pod-gone") == true)
        let lonely = try lines[fingerprint("lonely")]
        #expect(lonely?.hasSuffix("1m40s   -           -          -         keep       orphan in 20s") == true)
        #expect(text.hasSuffix("Nothing was deleted: this was a dry run."))
        #expect(!text.split(separator: "\n").contains { $0.hasSuffix(" ") })
    }

    @Test func theTableShowsTheOutcomes() async throws {
        let report = try await sweep.inspect()
        let outcomes = await sweep.carryOut(report)
        let lines = try lines(ReapTable(report, outcomes: outcomes, namespace: "agentweaver").text)
        #expect(try lines[fingerprint("podless")]?.hasSuffix("gone      reaped   pod-gone") == true)
        #expect(try lines[fingerprint("alive")]?.hasSuffix("kept     idle in 15m") == true)
        #expect(try lines[fingerprint("deleted")]?.hasSuffix("left     being deleted") == true)
    }

    @Test func aFailureIsInTheLineOfItsPreview() async throws {
        cluster.failAlways(.deleteRoute, ClusterError(.refused, "the API server answered 403"))
        let report = try await sweep.inspect()
        let outcomes = await sweep.carryOut(report)
        let lines = try lines(ReapTable(report, outcomes: outcomes, namespace: "agentweaver").text)
        #expect(try lines[fingerprint("podless")]?.hasSuffix("failed   the API server answered 403") == true)
    }

    @Test func anUnknownTimeIsReported() async throws {
        cluster.makeTimeUnknown()
        let text = ReapTable(try await sweep.inspect(), outcomes: nil, namespace: "agentweaver").text
        #expect(text.contains("The API server's time is not known, so nothing is reaped for its age."))
        let expiry = RFC3339.string(now + .seconds(900))
        #expect(try lines(text)[fingerprint("alive")]?.hasSuffix("keep       idle at \(expiry)") == true)
    }

    @Test func anEmptyTableIsOneSentence() async throws {
        let sweep = SingleSweep(policy: policy, objects: SimulatedCluster(), clusterTime: cluster)
        let text = ReapTable(try await sweep.inspect(), outcomes: nil, namespace: "elsewhere").text
        #expect(text.hasPrefix("No previews in namespace elsewhere.\n"))
    }

    // MARK: Story

    @Test func anExplanationNamesTheDefaultsForUnusableAnnotations() async throws {
        let explanation = try await explanation(of: "broken")
        let createdAt = now - .seconds(900)
        let cap = RFC3339.string(createdAt + .seconds(28_800))
        let expiry = RFC3339.string(createdAt + .seconds(1800))
        #expect(explanation.contains("unusable: creationTimestamp and 30m is used, \(expiry)"))
        #expect(explanation.contains("9999-12-31T23:59:59.000Z; clamped to creationTimestamp and 8h, \(cap)"))
        #expect(explanation.contains("missing: the reaper does not need it"))
        #expect(explanation.contains("A keepalive now moves its expiry to"))
        #expect(explanation.contains("exists; not relevant: previews are kept after their run"))
        #expect(!explanation.unicodeScalars.contains("\u{1B}"), "a terminal takes it for a command")
    }

    @Test(
        "The explanation says what is decided",
        arguments: [
            ("alive", "keep: unless something changes, it is reaped in 15m, at "),
            ("deleted", "leave: it is already being deleted"), ("podless", "reap: because its pod is gone (pod-gone)."),
            ("lonely", "because its HTTPRoute or Service is missing (orphan)."),
        ]
    )
    func anExplanationStatesTheDecision(label: String, words: String) async throws {
        #expect(try await explanation(of: label).contains(words))
    }

    @Test func anExplanationSaysThatNoKeepaliveRevivesADeletedPreview() async throws {
        #expect(try await explanation(of: "deleted").contains("A keepalive is refused with 404"))
    }

    // MARK: After an outage

    private func reportWhenIdle(sparesIdle: Bool = false) async throws -> ReapReport {
        cluster.advance(by: .seconds(900) - SimulatedCluster.uncertainty)
        let sweep = SingleSweep(
            policy: .testing(outageGrace: .seconds(150)),
            objects: cluster,
            clusterTime: cluster,
            sparesIdle: sparesIdle
        )
        return try await sweep.inspect(withClaims: true)
    }

    @Test func theGraceDuringWhichReplicasReapNothingForIdlenessIsReported() async throws {
        let report = try await reportWhenIdle()
        let table = ReapTable(report, outcomes: nil, namespace: "agentweaver").text
        #expect(table.contains("reaps nothing for idleness for 2m30s"))
        #expect(table.hasSuffix("Nothing was deleted: this was a dry run."))
        let entry = try #require(report.entries.first { $0.token.text == "alive" })
        let explanation = ReapExplanation(entry, report).text
        #expect(explanation.contains("reap: because it received no keepalives (idle)"))
        #expect(explanation.contains("a keepalive through it extends expired idle previews"))
        let podless = try #require(report.entries.first { $0.token.text == "podless" })
        #expect(!ReapExplanation(podless, report).text.contains("idleness"))
    }

    @Test func idlePreviewsCanBeSpared() async throws {
        let report = try await reportWhenIdle(sparesIdle: true)
        let table = ReapTable(report, outcomes: nil, namespace: "agentweaver").text
        let line = try lines(table)[fingerprint("alive")]
        #expect(line?.hasSuffix("keep       hard-cap in 5h18m") == true, "\(line ?? "")")
        #expect(table.contains("Nothing is reaped for idleness: --spare-idle."))
        #expect(try ReapDocument(report).json().contains("\"spares_idle\" : true"))
        #expect(report.entries.contains { $0.decision == .reap(.podGone, dueSince: nil) })
    }

    // MARK: Document

    @Test func theDocumentHasStableNames() async throws {
        let report = try await sweep.inspect()
        let json = try ReapDocument(report, outcomes: await sweep.carryOut(report)).json()
        let document = try JSONDecoder().decode(Document.self, from: Data(json.utf8))
        #expect(document.enabled && !document.dry_run)
        #expect(document.cluster_time.earliest == RFC3339.string(now))
        #expect(document.cluster_time.uncertainty_seconds == 0.25)
        let items = Dictionary(uniqueKeysWithValues: document.items.map { ($0.fingerprint, $0) })
        let alive = try #require(items[try fingerprint("alive")])
        #expect(alive.kind == "preview" && alive.decision == "keep" && alive.reason == "idle")
        #expect(alive.due_at == RFC3339.string(now + .seconds(900)))
        #expect(alive.expires_at?.effective == alive.due_at)
        #expect(alive.pod?.presence == "present" && alive.service == "present")
        #expect(alive.keepalive?.effect == "extends")
        let broken = try #require(items[try fingerprint("broken")])
        #expect(broken.unusable_annotations == [Key.expiresAt])
        #expect(broken.missing_annotations == [Key.owner])
        let podless = try #require(items[try fingerprint("podless")])
        #expect(podless.decision == "reap" && podless.reason == "pod-gone" && podless.due_at == nil)
        #expect(podless.result?.outcome == "reaped")
        let lonely = try #require(items[try fingerprint("lonely")])
        #expect(lonely.kind == "service" && lonely.reason == "orphan")
    }

    // swift-format-ignore: AlwaysUseLowerCamelCase
    private struct Document: Decodable {
        struct Time: Decodable {
            let earliest: String
            let uncertainty_seconds: Double
        }
        struct Instant: Decodable { let effective: String }
        struct Companion: Decodable { let presence: String }
        struct Keepalive: Decodable { let effect: String }
        struct Result: Decodable { let outcome: String }
        struct Item: Decodable {
            let fingerprint: String
            let kind: String
            let decision: String
            let reason: String?
            let due_at: String?
            let expires_at: Instant?
            let pod: Companion?
            let service: String
            let keepalive: Keepalive?
            let missing_annotations: [String]?
            let unusable_annotations: [String]?
            let result: Result?
        }
        let cluster_time: Time
        let enabled: Bool
        let dry_run: Bool
        let items: [Item]
    }
}
