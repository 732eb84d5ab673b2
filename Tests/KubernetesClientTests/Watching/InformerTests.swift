import HTTPTransport
import KubernetesClient
import KubernetesModel
import Synchronization
import TestSupport
import Testing

@Suite("MetadataInformer", .timeLimit(.minutes(10)))
struct InformerTests {
    /// The events of an informer, as short texts.
    private final class Log: Sendable {
        private let lines = Mutex<[String]>([])

        var all: [String] { lines.withLock { $0 } }

        func add(_ event: InformerEvent<PartialObjectMetadata>) {
            let line =
                switch event {
                case .replaced(let objects): "replaced " + objects.map(\.metadata.name).joined(separator: ",")
                case .applied(let object): "applied \(object.metadata.name)"
                case .deleted(let object): "deleted \(object.metadata.name)"
                case .dropped(let name): "dropped \(name)"
                case .interrupted(let error): "interrupted \(error.kind.label)"
                case .resumed: "resumed"
                }
            add(line)
        }

        func add(_ line: String) { lines.withLock { $0.append(line) } }
    }

    private struct StopInformer: Error {}

    /// Runs an informer on `replies` until the script has ended.
    private func run(_ replies: [ScriptedTransport.Reply]) async throws -> (events: [String], lines: [String]) {
        let done = ScriptedTransport.Reply.failure(.bodyTooLarge)
        let fixture = try ClientFixture { _, index in index < replies.count ? replies[index] : done }
        let log = Log()
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        await #expect(throws: StopInformer.self) {
            try await fixture.whileTimePasses {
                try await informer.run { event in
                    if case .interrupted(let error) = event, error.kind == .transport(.bodyTooLarge) {
                        throw StopInformer()
                    }
                    log.add(event)
                    if fixture.lines.count > replies.count { throw StopInformer() }
                }
            }
        }
        return (log.all, fixture.lines)
    }

    private func versions(_ lines: [String]) -> [String] {
        lines.map { line in
            guard line.contains("watch=true") else { return "list" }
            let query = line.split(separator: "?")[1].split(separator: "&")
            return String(query.first { $0.hasPrefix("resourceVersion=") }?.dropFirst(16) ?? "")
        }
    }

    @Test("Changes follow the list, and a watch continues from the last version")
    func changesFollowTheListAndAWatchContinuesFromTheLastVersion() async throws {
        let result = try await run([
            .json(JSON.list(["a", "b"], version: 5)),
            .frames(
                JSON.frame("MODIFIED", JSON.object("a", version: 6)),
                JSON.frame("DELETED", JSON.object("b", version: 7)),
                JSON.frame("BOOKMARK", JSON.object("", version: 20))
            ),
            .frames(JSON.frame("ADDED", JSON.object("c", version: 21))),
        ])
        #expect(result.events == ["replaced a,b", "applied a", "deleted b", "applied c"])
        #expect(Array(versions(result.lines).prefix(4)) == ["list", "5", "20", "21"])
    }

    @Test("4: a frame of code 410 leads to a new list, and its version is never used again")
    func aFrameOfCode410LeadsToANewList() async throws {
        let result = try await run([
            .json(JSON.list(["a"], version: 5)), .frames(JSON.gone), .json(JSON.list(["b"], version: 9)), .frames(),
        ])
        #expect(result.events == ["replaced a", "interrupted gone", "replaced b"])
        #expect(versions(result.lines).prefix(4) == ["list", "5", "list", "9"])
    }

    @Test("4: an HTTP status of 410 leads to a new list too")
    func aStatusOf410LeadsToANewList() async throws {
        let result = try await run([
            .json(JSON.list(["a"], version: 5)), .json(410, JSON.status(410, "Gone")),
            .json(JSON.list(["b"], version: 9)), .frames(),
        ])
        #expect(result.events == ["replaced a", "interrupted gone", "replaced b"])
        #expect(versions(result.lines).prefix(4) == ["list", "5", "list", "9"])
    }

    @Test("A frame that cannot be decoded leads to a new list")
    func anUndecodableFrameLeadsToANewList() async throws {
        let result = try await run([
            .json(JSON.list(["a"], version: 5)), .frames("{}"), .json(JSON.list(["b"], version: 9)), .frames(),
        ])
        #expect(result.events == ["replaced a", "interrupted decoding", "replaced b"])
        #expect(versions(result.lines).prefix(4) == ["list", "5", "list", "9"])
    }

    @Test("3: a silent watch is reopened from its last version, without an interruption")
    func aSilentWatchIsReopenedFromItsLastVersion() async throws {
        let result = try await run([
            .json(JSON.list(["a"], version: 5)),
            .frames(JSON.frame("BOOKMARK", JSON.object("", version: 6)), then: .hang),
            .frames(JSON.frame("ADDED", JSON.object("b", version: 7))),
        ])
        #expect(result.events == ["replaced a", "applied b"])
        #expect(Array(versions(result.lines).prefix(3)) == ["list", "5", "6"])
    }

    @Test("3: a silent watch that cannot be reopened is an interruption")
    func aSilentWatchThatCannotBeReopenedIsAnInterruption() async throws {
        let result = try await run([
            .json(JSON.list(["a"], version: 5)), .frames(then: .hang), .failure(.connect), .frames(),
        ])
        #expect(result.events == ["replaced a", "interrupted transport_connect", "resumed"])
    }

    @Test(
        "Only the selected part of an object is reported, and of others only the name, since it may have been known"
    )
    func onlyTheSelectedPartOfAnObjectIsReported() async throws {
        let fixture = try ClientFixture(
            .json(JSON.list(["a", "bb", "c"], version: 5)),
            .frames(
                JSON.frame("ADDED", JSON.object("dd", version: 6)),
                JSON.frame("ADDED", JSON.object("e", version: 7)),
                JSON.frame("DELETED", JSON.object("bb", version: 8)),
                JSON.frame("DELETED", JSON.object("f", version: 9)),
                then: .hang
            )
        )
        let log = Log()
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                try? await informer.run {
                    $0.metadata.name.count > 1 ? $0.metadata.name.count : nil
                } _: { (event: InformerEvent<Int>) in
                    log.add("\(event)")
                }
            }
            await waitWhile { log.all.count < 5 }
            group.cancelAll()
        }
        #expect(
            log.all == [
                "replaced([2])", "applied(2)", "dropped(name: \"e\")", "deleted(2)", "dropped(name: \"f\")",
            ]
        )
    }

    @Test("3: a watch that has to prove that it works is reopened from its last version")
    func aLivenessCheckReopensTheWatchFromItsLastVersion() async throws {
        let fixture = try ClientFixture(
            .json(JSON.list(["a"], version: 5)),
            .frames(JSON.frame("BOOKMARK", JSON.object("", version: 6)), then: .hang),
            .frames(JSON.frame("ADDED", JSON.object("b", version: 7)), then: .hang)
        )
        let log = Log()
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        #expect(await !informer.isAlive())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await informer.run { log.add($0) } }
            // The bookmark has been read once the client sleeps to measure the next silence.
            await waitWhile { fixture.lines.count < 2 || fixture.clock.sleeperCount == 0 }
            #expect(await informer.isAlive())
            await waitWhile { log.all.count < 2 }
            group.cancelAll()
        }
        #expect(log.all == ["replaced a", "applied b"])
        #expect(versions(fixture.lines).starts(with: ["list"]))
        #expect(fixture.lines.count == 3)
    }

    @Test("3: a watch that cannot be reopened does not work")
    func aWatchThatCannotBeReopenedIsNotAlive() async throws {
        let fixture = try ClientFixture { _, index in
            switch index {
            case 0: .json(JSON.list(["a"], version: 5))
            case 1: .frames(then: .hang)
            default: .failure(.connect)
            }
        }
        let log = Log()
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await informer.run { log.add($0) } }
            await waitWhile { fixture.lines.count < 2 }
            #expect(await !informer.isAlive())
            group.cancelAll()
        }
        #expect(log.all.starts(with: ["replaced a", "interrupted transport_connect"]))
    }

    @Test("3: silence is measured from the last byte, and a watch with regular bytes stays open")
    func aWatchWithRegularBytesStaysOpen() async throws {
        let bookmark = JSON.frame("BOOKMARK", JSON.object("", version: 6)) + "\n"
        let almost = RequestLimits.maxWatchSilence - .seconds(1)
        let fixture = try ClientFixture(
            .json(JSON.list([])),
            .response(
                status: 200,
                fields: [:],
                body: (0..<10).flatMap { _ in [.pause(almost), .chunk(bookmark)] } + [.hang]
            ),
            .frames(JSON.gone)
        )
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        let clock = fixture.clock
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await informer.run { event in if case .interrupted = event { throw StopInformer() } }
            }
            // Two tasks sleep: the server's side until it sends something, and the one that measures the silence.
            for _ in 0..<11 {
                await clock.waitForSleepers(2)
                clock.advance(by: almost)
            }
            await clock.waitForSleepers(2)
            #expect(fixture.lines.count == 2)
            clock.advance(by: .seconds(1))
            await #expect(throws: StopInformer.self) { try await group.next() }
        }
        let opened = fixture.transport.exchanges.map(\.time)
        #expect(opened[2] - opened[1] == almost * 10 + RequestLimits.maxWatchSilence)
    }

    @Test("3: a watch requests a lifetime of about five minutes, on a stream without a time-out")
    func aWatchRequestsALifetimeOfAboutFiveMinutes() async throws {
        let seen = Mutex<Set<Int>>([])
        for _ in 0..<5 {
            let fixture = try ClientFixture(.json(JSON.list([])), .frames(JSON.gone), .json(JSON.list([])), .frames())
            let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
            await #expect(throws: StopInformer.self) {
                try await informer.run { event in if fixture.lines.count >= 3 { throw StopInformer() } }
            }
            let watch = fixture.transport.exchanges[1]
            let seconds = try #require(
                watch.line.split(separator: "&").first { $0.hasPrefix("timeoutSeconds=") }.flatMap {
                    Int($0.dropFirst(15))
                }
            )
            #expect((240...360).contains(seconds))
            #expect(watch.line.contains("allowWatchBookmarks=true"))
            #expect(watch.request.timeout == nil)
            #expect(watch.request.headTimeout == RequestLimits().attemptTimeout)
            seen.withLock { _ = $0.insert(seconds) }
        }
    }

    @Test("11: a watch that breaks in the middle of a frame continues from the last whole one")
    func aTruncatedWatchContinuesAfterTheLastWholeFrame() async throws {
        let whole = JSON.frame("ADDED", JSON.object("b", version: 6))
        let cut = JSON.frame("ADDED", JSON.object("c", version: 7)).prefix(20)
        let result = try await run([
            .json(JSON.list(["a"], version: 5)),
            .response(status: 200, fields: [:], body: [.chunk(whole + "\n" + cut)]),
            .response(status: 200, fields: [:], body: [.chunk(whole + "\n" + cut), .fail(.protocolViolation)]),
            .frames(JSON.frame("ADDED", JSON.object("c", version: 7))),
        ])
        #expect(
            result.events == [
                "replaced a", "applied b", "applied b", "interrupted transport_protocol", "resumed", "applied c",
            ]
        )
        #expect(versions(result.lines).prefix(4) == ["list", "5", "6", "6"])
    }

    @Test("A handler that throws ends the informer with its own error")
    func anErrorOfTheHandlerEndsTheInformer() async throws {
        struct HandlerError: Error {}
        let fixture = try ClientFixture(
            .json(JSON.list([])),
            .frames(JSON.frame("ADDED", JSON.object("a")), then: .hang)
        )
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        await #expect(throws: HandlerError.self) {
            try await informer.run { event in if case .applied = event { throw HandlerError() } }
        }
        let error = KubernetesError(.conflict, "the handler's own")
        let again = try ClientFixture(.json(JSON.list([])))
        await #expect(throws: KubernetesError.self) {
            try await MetadataInformer(client: again.client, resource: Pod.resource, namespace: "n").run { _ in
                throw error
            }
        }
        #expect(again.lines.count == 1, "the handler's error is not taken for the server's")
    }

    @Test("A cancelled informer ends, also in the middle of a quiet watch")
    func aCancelledInformerEndsEvenDuringASilentWatch() async throws {
        let fixture = try ClientFixture(.json(JSON.list([])), .frames(then: .hang))
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run { _ in } }
            await fixture.transport.waitForExchanges(2)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }

    @Test("While the handler works, nothing more is read")
    func nothingIsReadWhileTheHandlerRuns() async throws {
        let clock = ManualClock()
        let read = Mutex(0)
        let fixture = try ClientFixture { _, index in
            index == 0
                ? .json(JSON.list([]))
                : .frames(JSON.frame("ADDED", JSON.object("a")), JSON.frame("ADDED", JSON.object("b")))
        }
        let informer = MetadataInformer(client: fixture.client, resource: Pod.resource, namespace: "n")
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { @Sendable in
                try await informer.run { event in
                    guard case .applied = event else { return }
                    read.withLock { $0 += 1 }
                    try await clock.sleep(for: .seconds(1))
                }
            }
            await clock.waitForSleepers(1)
            #expect(read.withLock { $0 } == 1)
            clock.advance(by: .seconds(1))
            await clock.waitForSleepers(1)
            #expect(read.withLock { $0 } == 2)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }

    @Test("A typed watch delivers its events and ends with the stream; a gone version is an error")
    func aTypedWatchDeliversItsEventsAndEndsWithTheStream() async throws {
        let fixture = try ClientFixture(
            .frames(JSON.frame("ADDED", JSON.object("a", version: 6))),
            .frames(JSON.gone)
        )
        let names = Mutex<[String]>([])
        try await fixture.watch(Pod.self) { event in
            if case .added(let pod) = event { names.withLock { $0.append(pod.metadata.name) } }
        }
        #expect(names.withLock { $0 } == ["a"])
        let error = await #expect(throws: KubernetesError.self) {
            try await fixture.watch(Pod.self)
        }
        #expect(error?.kind == .gone)
    }
}
