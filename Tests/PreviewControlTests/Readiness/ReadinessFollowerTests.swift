import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Following previews that were reported as not ready", .timeLimit(.minutes(1)))
struct ReadinessFollowerTests {
    private let executor = IdleExecutor()
    private static let run = ControlHarness.run
    private static let page = ProbeOutcome.answered(ProbeResponse(status: 200))
    private static let protocolError = ProbeOutcome.answered(
        ProbeResponse(
            status: 502,
            isFromUpstream: false,
            text: "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
        )
    )

    private func probes(_ harness: ControlHarness) -> Int { harness.cluster.log.count { $0 == .probe } }

    private func readyEvents(_ harness: ControlHarness) -> [TimelineEvent] {
        harness.timeline.events.filter { $0.kind == .ready }
    }

    /// Starts a preview whose probe finds `outcome`, with the mirror running, and the follower unless `withFollower` is false.
    private func follow(
        _ outcome: ProbeOutcome,
        withFollower: Bool = true,
        _ body: @escaping @Sendable (ControlHarness, PreviewToken) async throws -> Void
    ) async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: Self.run)
        harness.cluster.setProbeOutcome(outcome)
        try await executor.run {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await harness.core.mirrorRunner.run() }
                let started = try await harness.previews.start(run: Self.run, port: 3000, requester: "ada")
                let token = started.session.token
                await waitUntil { harness.mirror.lastSeenRoute(token) != nil }
                harness.cluster.clearLog()
                if withFollower { group.addTask { try await harness.core.follower.run() } }
                await executor.untilIdle()
                try await body(harness, token)
                group.cancelAll()
            }
        }
    }

    /// Advances the time second by second; after each the follower sleeps again.
    private func pass(_ seconds: Int, _ harness: ControlHarness) async {
        for _ in 0..<seconds {
            harness.advance(by: .seconds(1))
            await executor.untilIdle()
        }
    }

    @Test func aPreviewThatBeginsToServeIsRecordedOnceInTheTimeline() async throws {
        try await follow(.noListener) { harness, token in
            await pass(15, harness)
            #expect(readyEvents(harness).isEmpty)
            harness.cluster.setProbeOutcome(Self.page)
            await pass(40, harness)
            #expect(readyEvents(harness).map(\.id) == ["preview.ready/\(token.fingerprint)"])
            let before = probes(harness)
            await pass(120, harness)
            #expect(probes(harness) == before && readyEvents(harness).count == 1)
        }
    }

    @Test func eachPreviewIsProbedAtMostOnceInTenSeconds() async throws {
        try await follow(.noListener) { harness, _ in
            for (seconds, expected) in [(10, 0...1), (100, 2...10)] {
                harness.cluster.clearLog()
                await pass(seconds, harness)
                #expect(expected.contains(probes(harness)))
            }
        }
    }

    @Test func aPreviewThatServedAtItsStartIsNotProbedAgain() async throws {
        try await follow(Self.page) { harness, _ in
            await pass(60, harness)
            #expect(probes(harness) == 0 && readyEvents(harness).isEmpty)
        }
    }

    @Test func anAddressThatCannotBeReachedFromHereIsNotProbedAgain() async throws {
        try await follow(.notConnected) { harness, _ in
            await pass(60, harness)
            #expect(probes(harness) == 0)
        }
    }

    @Test func anEndedPreviewIsForgotten() async throws {
        try await follow(.noListener) { harness, token in
            try await harness.previews.stop(run: Self.run, token: token)
            await waitUntil { harness.mirror.lastSeenRoute(token) == nil }
            harness.cluster.clearLog()
            harness.cluster.setProbeOutcome(Self.page)
            await pass(60, harness)
            #expect(probes(harness) == 0 && readyEvents(harness).isEmpty)
        }
    }

    @Test func aListThatFindsAServingPreviewRecordsItToo() async throws {
        try await follow(.noListener, withFollower: false) { harness, token in
            harness.cluster.setProbeOutcome(Self.page)
            harness.advance(by: .seconds(10))
            #expect(readyEvents(harness).isEmpty)
            _ = try await harness.previews.list(run: Self.run)
            await waitUntil { !readyEvents(harness).isEmpty }
            #expect(readyEvents(harness).map(\.id) == ["preview.ready/\(token.fingerprint)"])
        }
    }

    @Test func anAppThatBeginsToSpeakHTTP2LaterIsServedByIt() async throws {
        try await follow(.noListener) { harness, token in
            harness.cluster.setHTTP2Outcome(Self.page)
            harness.cluster.setProbeOutcome(Self.protocolError)
            await pass(40, harness)
            #expect(readyEvents(harness).count == 1)
            #expect(harness.cluster.backendProtocol(of: token) == .http2)
        }
    }

    @Test func anAppOfAnotherProtocolIsTriedOnce() async throws {
        try await follow(.noListener) { harness, token in
            harness.cluster.setProbeOutcome(Self.protocolError)
            await pass(200, harness)
            #expect(harness.cluster.log.count { $0 == .setBackendProtocol } == 2)
            #expect(harness.cluster.backendProtocol(of: token) == .http1)
        }
    }

    @Test func aTrialThatCouldNotChangeTheRouteBackIsRepeated() async throws {
        try await follow(.noListener) { harness, token in
            let cluster = harness.cluster
            cluster.interrupt(.setBackendProtocol) {}
            cluster.interrupt(.setBackendProtocol) {
                cluster.fail(.setBackendProtocol, .before(ClusterError(.unavailable, "the API server answered 500")))
            }
            cluster.setHTTP2Outcome(Self.protocolError)
            cluster.setProbeOutcome(Self.protocolError)
            await pass(20, harness)
            #expect(cluster.backendProtocol(of: token) == .http2)
            cluster.setProbeOutcome(Self.page)
            await pass(80, harness)
            #expect(readyEvents(harness).count == 1)
            #expect(cluster.backendProtocol(of: token) == .http1)
        }
    }

    @Test func noMoreThanAThousandPreviewsAreRemembered() throws {
        var unready = UnreadyPreviews()
        let random = SeededRandom(seed: 3)
        for _ in 0..<UnreadyPreviews.maxCount + 10 {
            let token = try PreviewToken.mint(randomBytes: { random.bytes($0) })
            let preview = try #require(
                Preview(
                    name: token.objectName,
                    labels: [PreviewLabel.partOf: "agentweaver", PreviewLabel.token: token.text],
                    annotations: [:],
                    uid: "u",
                    resourceVersion: "1",
                    createdAt: .distantPast,
                    isBeingDeleted: false
                )
            )
            let isNewlyReady = unready.record(Readiness(.noApp), of: preview, at: .zero)
            #expect(!isNewlyReady)
        }
        #expect(unready.count == UnreadyPreviews.maxCount)
    }
}

@Suite("A check that waits", .timeLimit(.minutes(1)))
struct WaitingCheckTests {
    private static let run = ControlHarness.run
    private static let page = ProbeOutcome.answered(ProbeResponse(status: 200))

    private func started(_ outcome: ProbeOutcome) async throws -> (harness: ControlHarness, token: PreviewToken) {
        let harness = try await ControlHarness()
        harness.cluster.setProbeOutcome(outcome)
        return (harness, try await harness.startPreview().token)
    }

    /// Advances the time by half a second whenever `check` waits, until it has ended.
    private func result<Response: Sendable>(
        _ harness: ControlHarness,
        each step: @escaping @Sendable (Duration) -> Void = { _ in },
        of check: @escaping @Sendable () async throws -> Response
    ) async throws -> (response: Response, after: Duration) {
        let begun = harness.clock.now
        let response = try await IdleExecutor().runWork(check) {
            harness.advance(by: .milliseconds(500))
            step(begun.duration(to: harness.clock.now))
        }
        return (response, begun.duration(to: harness.clock.now))
    }

    @Test func aWaitForAWorkingPreviewEndsAtOnce() async throws {
        let (harness, token) = try await started(Self.page)
        // A result of the same second is returned as it is; a later check probes once.
        for probes in [0, 1] {
            let session = try await harness.previews.check(run: Self.run, token: token, wait: .seconds(30))
            #expect(session.readiness.isReady)
            #expect(harness.cluster.log.count { $0 == .probe } == probes)
            harness.advance(by: .seconds(1))
        }
    }

    @Test func anAppThatStartsDuringTheWaitIsFound() async throws {
        let (harness, token) = try await started(.noListener)
        let (session, after) = try await result(harness) { passed in
            if passed == .seconds(7) { harness.cluster.setProbeOutcome(Self.page) }
        } of: {
            try await harness.previews.check(run: Self.run, token: token, wait: .seconds(30))
        }
        #expect(session.readiness.state == .serving)
        #expect(after >= .seconds(7) && after <= .seconds(10))
    }

    @Test func aCheckEndsAfterItsWait() async throws {
        let (harness, token) = try await started(.noListener)
        let (session, after) = try await result(harness) {
            try await harness.previews.check(run: Self.run, token: token, wait: .seconds(5))
        }
        #expect(session.readiness.state == .noApp && after >= .seconds(5) && after <= .seconds(7))
        #expect(harness.cluster.log.count { $0 == .probe } <= 7)
    }

    @Test func allWaitingChecksShareTheProbes() async throws {
        let (harness, token) = try await started(.noListener)
        _ = try await result(harness) {
            try await withThrowingTaskGroup(of: PreviewSession.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await harness.previews.check(run: Self.run, token: token, wait: .seconds(10)) }
                }
                for try await session in group { #expect(session.readiness.state == .noApp) }
            }
        }
        #expect(harness.cluster.log.count { $0 == .probe } <= 13)
    }

    @Test func aPreviewThatEndsDuringTheWaitIsNotFound() async throws {
        let (harness, token) = try await started(.noListener)
        let executor = IdleExecutor()
        let error = await #expect(throws: PreviewError.self) {
            try await executor.run {
                async let session = harness.previews.check(run: Self.run, token: token, wait: .seconds(5))
                await executor.untilIdle()
                try await harness.previews.stop(run: Self.run, token: token)
                harness.advance(by: .seconds(5))
                _ = try await session
            }
        }
        #expect(error?.kind == .previewNotFound)
    }
}
