import HTTPTypes
import Hummingbird
import HummingbirdTesting
import PreviewControl
import PreviewDomain
import PreviewIdentity
import TestPeers
import TestSupport
import Testing

@testable import PreviewServer

@Suite("The stream of a run's events", .timeLimit(.minutes(10)))
struct TimelineRoutesTests {
    @Test func existingEventsComeFirstThenNewOnes() async throws {
        let harness = try await TimelineHarness()
        let first = try await harness.write("1", .approvalRequired)
        let second = try await harness.write("2")
        try await harness.serve { port async throws in
            try await harness.read(port) { reader in
                let head = try await reader.read(until: "\r\n\r\n")
                #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(head.contains("text/event-stream"))
                #expect(head.contains("no-store"))
                #expect(try await reader.read(until: "\n\n").hasSuffix("retry: 2000\n\n"))
                #expect(try await reader.read(until: "\n\n").contains(harness.text(first, id: 1)))
                #expect(try await reader.read(until: "\n\n").contains(harness.text(second, id: 2)))
                let third = try await harness.write("3", .stopped)
                #expect(try await reader.read(until: "\n\n").contains(harness.text(third, id: 3)))
            }
        }
    }

    @Test func aReaderResumesOnAnyReplicaAfterTheLastEventItSaw() async throws {
        let harness = try await TimelineHarness()
        for subject in 1...3 { try await harness.write("\(subject)") }
        let fourth = try await harness.write("4")
        // The other replica shares only the log with the first.
        let other = Application(
            responder: PreviewAPI(
                core: harness.base.core,
                authenticator: harness.base.api.authenticator,
                access: harness.base.api.access,
                address: harness.base.api.address,
                timeline: TimelineReader(sandboxes: harness.base.cluster, log: harness.log),
                allowedOrigins: .none,
                time: MonotonicTime(ManualClock())
            ).responder()
        )
        try await other.test(.live) { client async throws in
            try await harness.read(try #require(client.port), lastEventID: "3") { reader in
                _ = try await reader.read(until: "retry: 2000\n\n")
                #expect(try await reader.read(until: "\n\n").contains(harness.text(fourth, id: 4)))
            }
        }
    }

    @Test(arguments: ["", "x", "-1", "3.5", "99999999999999999999999", "1\u{0}"])
    func anInvalidLastEventIDMeansEverything(id: String) async throws {
        let harness = try await TimelineHarness()
        let first = try await harness.write("1")
        try await harness.serve { port async throws in
            try await harness.read(port, lastEventID: id == "1\u{0}" ? "1 2" : id) { reader in
                _ = try await reader.read(until: "retry: 2000\n\n")
                #expect(try await reader.read(until: "\n\n").contains(harness.text(first, id: 1)))
            }
        }
    }

    @Test func commentsKeepAQuietStreamOpen() async throws {
        let harness = try await TimelineHarness()
        try await harness.serve { port async throws in
            try await harness.read(port) { reader in
                _ = try await reader.read(until: "retry: 2000\n\n")
                for _ in 1...3 {
                    // The sleepers are the heartbeat and the end of the stream.
                    await harness.base.clock.waitForSleepers(2)
                    harness.base.clock.advance(by: TimelineStream.heartbeat)
                    #expect(try await reader.read(until: "\n\n").contains(": waiting\n\n"))
                }
            }
        }
    }

    @Test func aClaimThatReplacesTheRunsClaimIsFollowedToo() async throws {
        let harness = try await TimelineHarness()
        try await harness.serve { port async throws in
            try await harness.read(port) { reader in
                _ = try await reader.read(until: "retry: 2000\n\n")
                harness.base.cluster.removeClaim(of: harness.run)
                harness.base.cluster.addSandbox(for: harness.run, pod: "pod-3")
                let claim: ClaimIdentity = try await harness.base.cluster.claim(of: harness.run)
                let first = try await harness.write("1", .approvalRequired, claim: claim)
                await harness.base.clock.waitForSleepers(2)
                harness.base.clock.advance(by: TimelineStream.heartbeat)
                #expect(try await reader.read(until: "\n\n").contains(": waiting\n\n"))
                #expect(try await reader.read(until: "\n\n").contains(harness.text(first, id: 1)))
                let late = try await harness.write("2", .reaped)
                #expect(try await reader.read(until: "\n\n").contains(harness.text(late, id: 2)))
            }
            await waitUntil { harness.log.readerCount == 0 }
        }
    }

    @Test func aReaderThatLeavesEndsItsWatchAndMakesRoom() async throws {
        let harness = try await TimelineHarness()
        try await harness.serve { port async throws in
            for _ in 0..<20 {
                try await harness.read(port) { reader in
                    _ = try await reader.read(until: "retry: 2000\n\n")
                    await waitUntil { harness.log.readerCount == 1 }
                }
                await waitUntil { harness.log.readerCount == 0 }
            }
        }
    }

    @Test func aStreamEndsInGoodOrderAfterItsTime() async throws {
        let harness = try await TimelineHarness()
        try await harness.serve { port async throws in
            try await harness.read(port) { reader in
                _ = try await reader.read(until: "retry: 2000\n\n")
                await harness.base.clock.waitForSleepers(2)
                harness.base.clock.advance(by: TimelineStream.maxDuration)
                // The last chunk tells the client that nothing was cut off; the client then reconnects.
                _ = try await reader.read(until: "\r\n0\r\n\r\n")
                await waitUntil { harness.log.readerCount == 0 }
            }
        }
    }

    @Test func aServiceThatStopsEndsItsStreamsInGoodOrder() async throws {
        let harness = try await TimelineHarness()
        let (ports, source) = AsyncStream.makeStream(of: Int.self)
        let application = harness.base.api.application(
            address: .hostname("127.0.0.1", port: 0),
            logger: .silent
        ) { source.yield($0.localAddress?.port ?? 0) }
        let opened = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await withService(application) {
                    for await _ in opened.stream { break }
                }
            }
            for await port in ports {
                try await harness.read(port) { reader in
                    _ = try await reader.read(until: "retry: 2000\n\n")
                    opened.continuation.yield()
                    _ = try await reader.read(until: "\r\n0\r\n\r\n")
                }
                break
            }
            try await group.waitForAll()
        }
        #expect(harness.log.readerCount == 0)
    }

    @Test func theNumberOfReadersOfARunIsLimited() async throws {
        let harness = try await TimelineHarness()
        let limit = RequestLimits().maxStreamsPerRun
        try await harness.serve { port async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<limit {
                    group.addTask {
                        try await harness.read(port) { reader in _ = try await reader.read(until: "never") }
                    }
                }
                await waitUntil { harness.log.readerCount == limit }
                try await harness.read(port) { reader in
                    let answer = try await reader.read(until: "\r\n\r\n")
                    #expect(answer.hasPrefix("HTTP/1.1 429 "))
                    #expect(answer.lowercased().contains("retry-after: "))
                }
                group.cancelAll()
            }
            // A reader's watch ends before its place is free.
            await waitUntil { harness.base.api.eventStreams.count == 0 }
            try await harness.read(port) { reader in
                let answer = try await reader.read(until: "\r\n\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 200 "))
            }
        }
    }

    @Test func otherRunsEventsAreNotSent() async throws {
        let harness = try await TimelineHarness()
        try await harness.write("1", run: try RunID(APIHarness.otherRun))
        let own = try await harness.write("2")
        try await harness.serve { port async throws in
            try await harness.read(port) { reader in
                _ = try await reader.read(until: "retry: 2000\n\n")
                #expect(try await reader.read(until: "\n\n").contains(harness.text(own, id: 2)))
            }
        }
    }

    @Test func aRunWithoutAClaimIsA409AndStrangersGetNothing() async throws {
        let harness = try await APIHarness()
        try await harness.test { client async throws in
            let missing = try await client.call(
                .get,
                "/api/runs/3f2a9c1e-0000-4000-8000-00000000ffff/preview-events",
                headers: [.authorization: "Bearer \(AccessIdentity.operator.bearer)"]
            )
            #expect(missing.status == 409)
            #expect((missing.json as? [String: Any])?["error"] is String)
            let anonymous = try await client.call(.get, "/api/runs/\(APIHarness.run)/preview-events", headers: [:])
            #expect(anonymous.status == 401)
            #expect(try await client.call(.get, "/api/runs/a%20b/preview-events").status == 400)
            #expect(harness.log.readerCount == 0)
        }
    }

    @Test func aClusterThatCannotBeAskedIsA503() async throws {
        let harness = try await APIHarness()
        harness.cluster.fail(.resolveSandbox, .before(ClusterError(.unavailable, "the API server answered 500")))
        try await harness.test { client async throws in
            let answer = try await client.call(.get, "/api/runs/\(APIHarness.run)/preview-events")
            #expect(answer.status == 503)
            #expect(answer.headers[.retryAfter] != nil)
        }
    }
}
