import Basics
import CoreAPI
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

/// Invariant I8: a preview's token and URL are in nothing that the timeline writes, sends or logs.
@Suite("Secrecy of the timeline", .timeLimit(.minutes(10)))
struct TimelineSecrecyTests {
    private let clock = ManualClock()

    private func queue(
        _ name: String,
        to sink: any TimelineSink,
        next: TimelineQueue? = nil,
        cluster: SimulatedCluster,
        log: RecordedLog
    ) -> TimelineQueue {
        TimelineQueue(
            name: name,
            sink: sink,
            next: next,
            clusterTime: cluster,
            time: MonotonicTime(clock),
            logger: log.logger
        )
    }

    @Test func noTokenAndNoURLIsInAnyEventStreamLogOrCopy() async throws {
        let harness = try await TimelineHarness()
        let bearer = "the-key-that-the-core-api-shares"
        let core = ScriptedTransport(clock: clock) { _, index in .json(index == 1 ? 400 : 202, "") }
        let recorded = RecordedLog()
        let cluster = harness.base.cluster
        let copies = queue(
            "core_api",
            to: CoreAPITimelineSink(
                client: CoreAPIClient(base: try BaseURL("https://core.example.com"), transport: core),
                logger: .silent
            ) { Secret(bearer) },
            cluster: cluster,
            log: recorded
        )
        let queue = queue("kubernetes", to: harness.log, next: copies, cluster: cluster, log: recorded)
        let eventRecorder = PreviewEventRecorder(
            policy: harness.base.policy,
            mirror: harness.base.core.mirror,
            clusterTime: cluster,
            timeline: queue,
            time: MonotonicTime(clock)
        )
        let (stopped, kept) = try await harness.startTwo()
        let secrets = [stopped, kept].flatMap { [$0.text, String($0.text.suffix(26))] } + ["preview.example.com"]

        try await harness.serve { port async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await queue.run() }
                group.addTask { try await copies.run() }
                group.addTask { try await eventRecorder.run() }
                group.addTask { try await harness.base.core.mirrorRunner.run() }
                // A stop, a warning, and an end that only the watch sees.
                try await harness.stop(stopped)
                for event in harness.base.timeline.events { queue.record(event) }
                await waitUntil { harness.log.entries.count == 3 }
                cluster.advance(by: .seconds(1500))
                await waitUntil {
                    clock.advance(by: .seconds(1))
                    return harness.log.entries.contains { $0.event.kind == .expiring }
                }
                try await harness.delete(kept)
                await waitUntil {
                    cluster.advance(by: .milliseconds(10))
                    clock.advance(by: .milliseconds(10))
                    return harness.log.entries.contains { $0.event.details["reason"] == "deleted" }
                }
                await waitUntil { core.exchanges.count == 5 && copies.droppedCount == 1 }
                group.cancelAll()
            }
            let kinds: Set = ["preview.started", "preview.stopped", "preview.expiring"]
            #expect(Set(harness.log.entries.map(\.event.kind.rawValue)) == kinds)
            let stream = try await harness.read(port) { reader in
                try await reader.read(until: "deleted in the cluster")
            }
            let bodies = core.exchanges.map(\.body)
            let log = recorded.texts.joined(separator: "\n")
            #expect(bodies.count == 5 && log.contains("the core API answered 400"))
            for secret in secrets {
                #expect(!stream.contains(secret))
                #expect(!bodies.contains { $0.contains(secret) })
                #expect(!log.contains(secret))
            }
            #expect(!log.contains(bearer) && !bodies.contains { $0.contains(bearer) })
            #expect(stream.contains(stopped.fingerprint) && stream.contains(kept.fingerprint))
        }
    }

    @Test func aCopyIsTheSameObjectUnderTheServicesKey() async throws {
        let harness = try await TimelineHarness()
        let core = ScriptedTransport(clock: clock, [.json(202, "")])
        let sink = CoreAPITimelineSink(
            client: CoreAPIClient(base: try BaseURL("https://core.example.com"), transport: core),
            logger: .silent
        ) { Secret("the-key") }
        let entry = try await harness.write("1")
        #expect(try await sink.write(entry))
        let exchange = try #require(core.exchanges.first)
        #expect(exchange.line == "POST /api/runs/\(harness.run)/events")
        let json = try entry.json()
        #expect(exchange.request.body == json)
        #expect(exchange.request.head.headerFields[.authorization] == "Bearer the-key")
    }

    @Test(arguments: [
        (503, true), (429, true), (500, true), (302, true), (400, false), (401, false), (403, false), (409, false),
        (413, false),
    ])
    func onlyTemporaryFailuresAreTriedAgain(status: Int, isTemporary: Bool) async throws {
        let harness = try await TimelineHarness()
        let core = ScriptedTransport(clock: clock, [.json(status, "", ["Retry-After": "7"])])
        let sink = CoreAPITimelineSink(
            client: CoreAPIClient(base: try BaseURL("https://core.example.com"), transport: core),
            logger: .silent
        ) { Secret("the-key") }
        let entry = try await harness.write("1")
        let failure = await #expect(throws: TimelineFailure.self) { try await sink.write(entry) }
        #expect(failure?.isTemporary == isTemporary)
        #expect(failure?.retryAfter == ([429, 503, 500].contains(status) ? .seconds(7) : nil))
    }

    @Test(arguments: [404, 405])
    func aCoreAPIThatTakesNoEventsIsOneWarningAndIsAskedAgainAfterAnHour(status: Int) async throws {
        let harness = try await TimelineHarness()
        let core = ScriptedTransport(clock: clock, [.json(status, ""), .json(status, ""), .json(202, "")])
        let log = RecordedLog()
        let sink = CoreAPITimelineSink(
            client: CoreAPIClient(base: try BaseURL("https://core.example.com"), transport: core),
            time: MonotonicTime(clock),
            logger: log.logger
        ) { Secret("the-key") }
        let entry = try await harness.write("1")
        #expect(try await sink.write(entry))
        clock.advance(by: CoreAPITimelineSink.pause - .seconds(1))
        #expect(try await sink.write(entry))
        #expect(core.exchanges.count == 1)
        for count in 2...3 {
            clock.advance(by: CoreAPITimelineSink.pause)
            #expect(try await sink.write(entry))
            #expect(core.exchanges.count == count)
        }
        #expect(log.messages.count == 1)
    }

    @Test func aRunThatTheCoreAPIDoesNotKnowPausesNoOtherRunsEvents() async throws {
        let harness = try await TimelineHarness()
        let core = ScriptedTransport(clock: clock, [.json(202, ""), .json(404, ""), .json(202, "")])
        let sink = CoreAPITimelineSink(
            client: CoreAPIClient(base: try BaseURL("https://core.example.com"), transport: core),
            time: MonotonicTime(clock),
            logger: .silent
        ) { Secret("the-key") }
        let entry = try await harness.write("1")
        #expect(try await sink.write(entry))
        let failure = await #expect(throws: TimelineFailure.self) { try await sink.write(entry) }
        #expect(failure?.isTemporary == false)
        #expect(try await sink.write(entry))
        #expect(core.exchanges.count == 3)
    }
}

extension TimelineHarness {
    /// Starts two previews of the run.
    fileprivate func startTwo() async throws -> (PreviewToken, PreviewToken) {
        let previews = base.core.previews
        let one = try await previews.start(run: run, port: 3000, requester: "ada")
        let two = try await previews.start(run: run, port: 3001, requester: "ada")
        return (one.session.token, two.session.token)
    }

    fileprivate func stop(_ token: PreviewToken) async throws {
        try await base.core.previews.stop(run: run, token: token)
    }

    /// Deletes a preview's route as another client would.
    fileprivate func delete(_ token: PreviewToken) async throws {
        guard let route = try await base.cluster.route(token) else { return }
        _ = try await base.cluster.deleteRoute(token, .uid(route.uid))
    }
}
