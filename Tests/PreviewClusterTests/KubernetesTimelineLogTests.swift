import DevCluster
import FoundationEssentials
import KubernetesModel
import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewCluster
@testable import PreviewControl

@Suite("The timeline as Events on the claim", .timeLimit(.minutes(10)))
struct KubernetesTimelineLogTests {
    private static let time = Date(timeIntervalSince1970: 1_800_000_000.25)

    private func entry(
        _ subject: String,
        _ kind: TimelineEvent.Kind = .started,
        on claim: ClaimIdentity,
        message: String = "The preview of port 3000 was started."
    ) throws -> TimelineEntry {
        let event = TimelineEvent(
            kind,
            run: try RunID.testing(),
            claim: claim,
            subject: subject,
            message: message,
            details: ["port": "3000"]
        )
        return TimelineEntry(event, at: Self.time)
    }

    private func events(_ cluster: TestCluster) -> [DevCluster.JSONValue] { cluster.store.list(.events).items }

    /// Runs `body` with two replicas on a cluster with one claim.
    private func withLog(
        _ body: @escaping @Sendable (TestCluster, ClaimIdentity, [KubernetesTimelineLog]) async throws -> Void
    ) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let replicas = [try await Replica(cluster), try await Replica(cluster)]
            try await body(cluster, ClaimIdentity(name: sandbox.name, uid: sandbox.claimUID), replicas.map(\.log))
        }
    }

    // MARK: Writing

    @Test func anEventIsOnTheClaimWhereKubectlShowsIt() async throws {
        try await withLog { cluster, claim, logs in
            let entry = try entry("1a2b3c4d", .expiring, on: claim)
            #expect(try await logs[0].write(entry))
            let event = try #require(events(cluster).first)
            #expect(event["metadata", "namespace"] == "agentweaver")
            #expect(event["involvedObject", "kind"] == "SandboxClaim")
            #expect(event["involvedObject", "name"] == .string(claim.name))
            #expect(event["involvedObject", "uid"] == .string(claim.uid))
            #expect(event["involvedObject", "namespace"] == "agentweaver")
            #expect(event["reason"] == "PreviewExpiring")
            #expect(event["type"] == "Warning")
            #expect(event["message"] == "The preview of port 3000 was started.")
            #expect(event["reportingComponent"] == "preview-gateway")
            #expect(event["lastTimestamp"] == "2027-01-15T08:00:00Z")
            let annotation = event["metadata", "annotations", "preview.agentweaver.dev/event"]?.stringValue
            #expect(annotation == String(decoding: try entry.json(), as: UTF8.self))
        }
    }

    @Test func noTokenAndNoURLIsInAPreviewsEvents() async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            let token = try await replica.start(run)
            try await replica.previews.stop(run: run, token: token)
            for event in replica.timeline.events {
                #expect(try await replica.log.write(TimelineEntry(event, at: Self.time)))
            }
            let text = events(cluster).map { "\($0)" }.joined()
            #expect(events(cluster).count == 2)
            #expect(text.contains(token.fingerprint))
            #expect(!text.contains(token.text.suffix(26)))
            #expect(!text.contains("preview.example.com"))
        }
    }

    @Test func ofTwoReplicasOneWritesAndTheOtherLearnsIt() async throws {
        try await withLog { cluster, claim, logs in
            let first = try entry("1", on: claim)
            async let one = logs[0].write(first)
            async let other = logs[1].write(TimelineEntry(first.event, at: Self.time + .seconds(1)))
            let results = try await [one, other]
            #expect(results.filter { $0 }.count == 1)
            #expect(events(cluster).count == 1)
            // The same event on another incarnation of the claim is a different one, and so is another event on this
            // claim.
            let again = ClaimIdentity(name: claim.name, uid: "another-uid")
            #expect(try await logs[0].write(entry("1", on: again)))
            #expect(try await logs[0].write(entry("2", on: claim)))
            // A preview ends once, whatever the reason.
            #expect(try await logs[0].write(entry("1", .stopped, on: claim)))
            #expect(try await logs[1].write(entry("1", .reaped, on: claim)) == false)
        }
    }

    @Test func aLongMessageIsTruncatedInTheEventAndCompleteInItsAnnotation() async throws {
        try await withLog { cluster, claim, logs in
            let message = String(repeating: "ä", count: 600)
            let entry = try entry("1", on: claim, message: message)
            #expect(try await logs[0].write(entry))
            let event = try #require(events(cluster).first)
            #expect(event["message"]?.stringValue == String(repeating: "ä", count: 512))
            #expect(event["metadata", "annotations", Event.entryAnnotation]?.stringValue?.contains(message) == true)
        }
    }

    @Test(arguments: [
        (500, true), (503, true), (429, true), (403, false), (401, false), (422, false),
    ])
    func onlyTemporaryFailuresAreTriedAgain(code: Int, isTemporary: Bool) async throws {
        try await withLog { cluster, claim, logs in
            cluster.faults.add(
                FaultPlan.Rule(
                    verb: "create",
                    resource: "events",
                    times: nil,
                    fault: .respond(StatusFailure(code: code, reason: "Injected", message: "injected"))
                )
            )
            let entry = try entry("1", on: claim)
            let failure = await #expect(throws: TimelineFailure.self) { try await logs[0].write(entry) }
            #expect(failure?.isTemporary == isTemporary)
            #expect(failure?.detail.contains(claim.name) == false)
        }
    }

    // MARK: Reading

    /// What a reader has received, in a form that tests can compare.
    private final class Reader: Sendable {
        private let records = Mutex<[TimelineRecord]>([])

        var subjects: [String] { records.withLock { $0.map(\.entry.event.subject) } }
        var positions: [TimelinePosition] { records.withLock { $0.compactMap(\.position) } }

        func read(_ record: TimelineRecord) { records.withLock { $0.append(record) } }
    }

    /// Runs a reader that follows the log while `body` runs.
    private func following(
        _ log: KubernetesTimelineLog,
        _ claim: ClaimIdentity,
        after position: TimelinePosition? = nil,
        _ body: (Reader) async throws -> Void
    ) async throws {
        let reader = Reader()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await log.follow(claim, after: position) { reader.read($0) } }
            try await body(reader)
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }

    @Test func aReaderGetsWhatIsThereAndThenWhatIsWrittenByAnybody() async throws {
        try await withLog { cluster, claim, logs in
            for subject in ["1", "2"] { _ = try await logs[0].write(try entry(subject, on: claim)) }
            try await following(logs[1], claim) { reader in
                await waitUntil { reader.subjects.count == 2 && cluster.store.watchCount(of: .events) == 1 }
                for (index, log) in logs.enumerated() { _ = try await log.write(try entry("3\(index)", on: claim)) }
                await waitUntil { reader.subjects.count == 4 }
                #expect(reader.subjects == ["1", "2", "30", "31"])
                #expect(reader.positions == reader.positions.sorted())
                #expect(Set(reader.positions).count == 4)
            }
        }
    }

    @Test func aReaderThatLeavesEndsItsWatch() async throws {
        try await withLog { cluster, claim, logs in
            try await following(logs[0], claim) { _ in
                await waitUntil { cluster.store.watchCount(of: .events) == 1 }
            }
            await waitUntil { cluster.store.watchCount(of: .events) == 0 }
        }
    }

    @Test func aReaderResumesWithoutRepeatsOnAnotherReplica() async throws {
        try await withLog { cluster, claim, logs in
            for subject in ["1", "2", "3"] { _ = try await logs[0].write(try entry(subject, on: claim)) }
            var position: TimelinePosition?
            try await following(logs[0], claim) { reader in
                await waitUntil { reader.subjects.count == 3 }
                position = reader.positions[1]
            }
            try await following(logs[1], claim, after: position) { reader in
                await waitUntil { !reader.subjects.isEmpty && cluster.store.watchCount(of: .events) == 1 }
                _ = try await logs[0].write(try entry("4", on: claim))
                await waitUntil { reader.subjects.count == 2 }
                #expect(reader.subjects == ["3", "4"])
            }
        }
    }

    @Test func aWatchWhoseVersionIsTooOldStartsAgainWithoutGapsOrRepeats() async throws {
        try await withLog { cluster, claim, logs in
            cluster.faults.add(
                FaultPlan.Rule(verb: "watch", resource: "events", fault: .expireWatch(afterChanges: 1))
            )
            try await following(logs[0], claim) { reader in
                await waitUntil { cluster.store.watchCount(of: .events) == 1 }
                _ = try await logs[0].write(try entry("1", on: claim))
                // The watch ends with 410 before it delivers this event.
                _ = try await logs[0].write(try entry("2", on: claim))
                await waitUntil {
                    reader.subjects.count == 2 && cluster.requests.count(verb: "list", resource: "events") == 2
                }
                await waitUntil { cluster.store.watchCount(of: .events) == 1 }
                _ = try await logs[0].write(try entry("3", on: claim))
                await waitUntil { reader.subjects.count == 3 }
                #expect(reader.subjects == ["1", "2", "3"])
            }
        }
    }

    @Test func anOutageIsLoggedOnceAMinuteHoweverManyStreamsAreOpen() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let claim = ClaimIdentity(name: sandbox.name, uid: sandbox.claimUID)
            let (recorded, clock) = (RecordedLog(), ManualClock())
            let log = KubernetesTimelineLog(
                client: try await Replica(cluster).client,
                namespace: TestCluster.namespace,
                time: MonotonicTime(clock),
                logger: recorded.logger
            )
            let failure = StatusFailure(code: 503, reason: "Injected", message: "injected")
            cluster.faults.add(
                FaultPlan.Rule(verb: "list", resource: "events", times: nil, fault: .respond(failure))
            )
            await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { try await log.follow(claim, after: nil) { _ in } } }
                // Each stream has tried more than once, after it was interrupted.
                await waitUntil { cluster.requests.count(verb: "list", resource: "events") >= 40 }
                #expect(recorded.messages == ["an event stream is interrupted"])
                clock.advance(by: .seconds(60))
                group.addTask { try await log.follow(claim, after: nil) { _ in } }
                await waitUntil { recorded.messages.count == 2 }
                #expect(recorded.lines.last?.metadata["held_back"] != "0")
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
        }
    }

    @Test func othersEventsAndThoseOfOtherClaimsAreNotRead() async throws {
        try await withLog { cluster, claim, logs in
            let other = try cluster.addSandbox(for: try RunID.testing(2))
            _ = try await logs[0].write(
                try entry("1", on: ClaimIdentity(name: other.name, uid: other.claimUID))
            )
            try cluster.store.create(
                .events,
                namespace: TestCluster.namespace,
                [
                    "metadata": ["name": "of-another-controller"], "reason": "SandboxReady", "type": "Normal",
                    "involvedObject": [
                        "kind": "SandboxClaim", "name": .string(claim.name), "uid": .string(claim.uid),
                        "namespace": .string(TestCluster.namespace),
                    ],
                ]
            )
            _ = try await logs[0].write(try entry("2", on: claim))
            try await following(logs[0], claim) { reader in
                await waitUntil { !reader.subjects.isEmpty }
                #expect(reader.subjects == ["2"])
            }
        }
    }

    @Test func aSlowReaderIsNotReadAheadOf() async throws {
        try await withLog { cluster, claim, logs in
            for subject in ["1", "2", "3"] { _ = try await logs[0].write(try entry(subject, on: claim)) }
            let reader = Reader()
            let clock = ManualClock()
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await logs[0].follow(claim, after: nil) {
                        reader.read($0)
                        try await clock.sleep(for: .seconds(1))
                    }
                }
                await clock.waitForSleepers(1)
                #expect(cluster.store.watchCount(of: .events) == 0)
                clock.advance(by: .seconds(1))
                await waitUntil { reader.subjects.count == 2 }
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
            #expect(reader.subjects == ["1", "2"])
        }
    }
}
