import Basics
import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Stopping and listing previews", .timeLimit(.minutes(10)))
struct StopAndListTests {
    private let run = ControlHarness.run

    @Test func stopDeletesTheRouteThenTheServiceWithTwoRequests() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        harness.mirror.apply(.backends(.replaced(try await harness.cluster.backends())))
        harness.cluster.clearLog()
        try await harness.previews.stop(run: run, token: token)
        #expect(harness.cluster.log == [.deleteRoute, .deleteBackend])
        #expect(harness.cluster.liveRoutes.isEmpty)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func theLogSaysWhoHasStoppedIt() async throws {
        let log = RecordedLog()
        let harness = try await ControlHarness(log: log)
        let token = try await harness.startPreview().token
        try await harness.previews.stop(run: run, token: token, by: "ada")
        let line = log.lines.first { $0.message == "a preview was stopped" }
        #expect(line?.metadata == ["preview": token.fingerprint, "run": "\(run.label)", "by": "ada"])
    }

    @Test func aSecondStopFindsNothing() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        try await harness.previews.stop(run: run, token: token)
        let error = await #expect(throws: PreviewError.self) {
            try await harness.previews.stop(run: run, token: token)
        }
        #expect(error?.kind == .previewNotFound)
    }

    @Test func anotherRunCannotStopIt() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        await #expect(throws: PreviewError.self) {
            try await harness.previews.stop(run: ControlHarness.otherRun, token: token)
        }
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.cluster.liveBackends == [token])
    }

    /// The two IDs have the same label: they look alike, and their digests begin with the same 32 bits.
    @Test func aRunWithTheSameLabelIsAnotherRun() async throws {
        let run = RunID.known("3f2a9c1e-0000-4000-8000-000000000001..-_-____-.-")
        let other = RunID.known("3f2a9c1e-0000-4000-8000-000000000001..-_--_._.--")
        #expect(run != other && run.label == other.label)
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        let token = try await harness.previews.start(run: run, port: 3000, requester: "ada").session.token
        // Without a copy of the cluster, and with one.
        for _ in 0..<2 {
            #expect(try await harness.previews.list(run: other).isEmpty)
            await #expect(throws: PreviewError.previewNotFound) {
                try await harness.previews.stop(run: other, token: token)
            }
            await #expect(throws: PreviewError.previewNotFound) {
                _ = try await harness.previews.keepAlive(run: other, token: token)
            }
            await #expect(throws: PreviewError.previewNotFound) {
                _ = try await harness.previews.check(run: other, token: token)
            }
            let session = try await harness.previews.session(of: other, fingerprint: token.fingerprint)
            let living = try await harness.previews.livingPreview(of: other, fingerprints: [token.fingerprint])
            #expect(session == nil && living == nil)
            harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
            harness.mirror.apply(.backends(.replaced(try await harness.cluster.backends())))
        }
        #expect(try await harness.previews.list(run: run).map(\.token) == [token])
        _ = try await harness.previews.keepAlive(run: run, token: token)
        // Its previews do not count for the other run.
        for port in 3001...3002 {
            _ = try await harness.previews.start(run: run, port: port, requester: "ada")
        }
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        try await harness.previews.checkLimits(for: other)
        await #expect(throws: PreviewError.self) { try await harness.previews.checkLimits(for: run) }
        for session in try await harness.previews.list(run: run) {
            try await harness.previews.stop(run: run, token: session.token)
        }
        #expect(harness.cluster.liveRoutes.isEmpty && harness.cluster.liveBackends.isEmpty)
    }

    @Test func aForeignTokenCostsTheRequestsThatAnUnknownOneCosts() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.mirror.apply(.routes(.replaced(try await harness.cluster.routes())))
        harness.mirror.apply(.backends(.replaced(try await harness.cluster.backends())))
        var requests: [[SimulatedCluster.Operation]] = []
        for candidate in [token, .placeholder] {
            harness.cluster.clearLog()
            await #expect(throws: PreviewError.previewNotFound) {
                try await harness.previews.stop(run: ControlHarness.otherRun, token: candidate)
            }
            await #expect(throws: PreviewError.previewNotFound) {
                _ = try await harness.previews.keepAlive(run: ControlHarness.otherRun, token: candidate)
            }
            requests.append(harness.cluster.log)
        }
        #expect(requests[0] == [.route, .backend, .route])
        #expect(requests[0] == requests[1])
    }

    @Test func anIncompleteStopIsCompletedByTheNextOne() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.fail(.deleteBackend, .before(ClusterError(.unavailable, "the API server answered 500")))
        let error = await #expect(throws: PreviewError.self) {
            try await harness.previews.stop(run: run, token: token)
        }
        #expect(error?.kind == .clusterUnavailable)
        #expect(harness.cluster.liveBackends == [token])
        await #expect(throws: PreviewError.self) {
            try await harness.previews.stop(run: ControlHarness.otherRun, token: token)
        }
        try await harness.previews.stop(run: run, token: token)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func aRouteWithoutItsServiceIsStoppedToo() async throws {
        let harness = try await ControlHarness()
        let token = try await harness.startPreview().token
        harness.cluster.removeBackend(token)
        try await harness.previews.stop(run: run, token: token)
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aPreviewOfTheEarlierServiceIsKeptAliveAndStoppedLikeOurOwn() async throws {
        let harness = try await ControlHarness()
        let token = try #require(PreviewToken("left-behind"))
        harness.cluster.addRoute(
            name: token.objectName,
            labels: [PreviewLabel.partOf: "agentweaver", PreviewLabel.token: token.text],
            annotations: [
                PreviewAnnotations.Key.run: run.label.text,
                PreviewAnnotations.Key.expiresAt: RFC3339.string(harness.cluster.now + .seconds(60)),
            ]
        )
        _ = try await harness.previews.keepAlive(run: run, token: token)
        try await harness.previews.stop(run: run, token: token)
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aListShowsThisRunsPreviewsAndWhetherTheGatewayServesThem() async throws {
        let harness = try await ControlHarness()
        let first = try await harness.startPreview(port: 3000).token
        harness.cluster.advance(by: .seconds(2))
        let second = try await harness.startPreview(port: 3001).token
        harness.cluster.addSandbox(for: ControlHarness.otherRun, pod: "pod-2")
        _ = try await harness.previews.start(run: ControlHarness.otherRun, port: 3000, requester: "ada")
        harness.cluster.setRouteStatus(RouteStatus(isAccepted: false, problem: "ResolvedRefs is False"))
        harness.cluster.setProbeOutcome(.noRoute)
        harness.advance(by: ReadinessCache.lifetime)

        let sessions = try await harness.previews.list(run: run)

        #expect(sessions.map(\.token) == [first, second])
        #expect(sessions.map(\.targetPort) == [3000, 3001])
        #expect(sessions.allSatisfy { $0.readiness.state == .notAccepted })
        #expect(sessions.first?.readiness.detail?.contains("ResolvedRefs is False") == true)
    }
}
