import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Which host an app sees", .timeLimit(.minutes(10)))
struct HostHeaderTests {
    private static let run = ControlHarness.run
    private static let refusal = ProbeOutcome.answered(ProbeResponse(status: 403, text: "Blocked request. This host"))
    private static let localPage = ProbeOutcome.answered(ProbeResponse(status: 200, mark: .localhost))
    private static let localRefusal = ProbeOutcome.answered(ProbeResponse(status: 403, mark: .localhost, text: "no"))

    private func start(
        _ outcome: ProbeOutcome,
        localhost: ProbeOutcome,
        _ choice: HostHeader? = nil,
        prepare: (SimulatedCluster) -> Void = { _ in }
    ) async throws -> (session: PreviewSession, cluster: SimulatedCluster) {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: Self.run)
        harness.cluster.setProbeOutcome(outcome)
        harness.cluster.setLocalhostOutcome(localhost)
        prepare(harness.cluster)
        let started = try await harness.previews.start(
            run: Self.run,
            port: 3000,
            requester: "ada",
            hostHeader: choice
        )
        return (started.session, harness.cluster)
    }

    private func annotation(_ started: (session: PreviewSession, cluster: SimulatedCluster)) -> String? {
        started.cluster.annotations(of: started.session.token)?[PreviewAnnotations.Key.hostHeader]
    }

    @Test func anAppThatTakesLocalhostKeepsIt() async throws {
        let started = try await start(Self.refusal, localhost: Self.localPage)
        #expect(started.session.hostHeader == .localhost && annotation(started) == "localhost")
        #expect(started.session.readiness.state == .serving && started.session.readiness.appStatus == 200)
        #expect(started.session.readiness.detail?.contains("localhost") == true)
        #expect(started.cluster.log.count { $0 == .rewriteHost } == 1)
    }

    @Test func anAppThatRefusesBothGetsThePublicHostBack() async throws {
        let started = try await start(Self.refusal, localhost: Self.localRefusal)
        #expect(started.session.hostHeader == .preserve && annotation(started) == "preserve")
        #expect(started.session.readiness.state == .noApp)
        #expect(started.session.readiness.detail?.contains("allowed hosts") == true)
        #expect(started.cluster.log.count { $0 == .rewriteHost } == 2)
    }

    @Test(arguments: [200, 302, 401, 404, 500])
    func anAppThatRefusesNothingIsLeftAlone(status: Int) async throws {
        let started = try await start(.answered(ProbeResponse(status: status)), localhost: Self.localPage)
        #expect(started.session.hostHeader == .preserve)
        #expect(!started.cluster.log.contains(.rewriteHost))
    }

    @Test func theCallersChoiceIsTakenAsItIs() async throws {
        let kept = try await start(Self.refusal, localhost: Self.localPage, .preserve)
        #expect(kept.session.hostHeader == .preserve && kept.session.readiness.state == .noApp)
        #expect(!kept.cluster.log.contains(.rewriteHost))
        let local = try await start(Self.refusal, localhost: Self.localPage, .localhost)
        #expect(local.session.hostHeader == .localhost && annotation(local) == "localhost")
        #expect(local.session.readiness.state == .serving && !local.cluster.log.contains(.rewriteHost))
    }

    @Test func aRouteThatCannotBeChangedTellsTheRefusal() async throws {
        let started = try await start(Self.refusal, localhost: Self.localPage) {
            $0.fail(.rewriteHost, .before(ClusterError(.unavailable, "the API server answered 500")))
        }
        #expect(started.session.hostHeader == .preserve && started.session.readiness.state == .noApp)
    }

    /// Like a write whose response is lost.
    @Test func aTrialWithoutAnAnswerToItsFirstWriteEndsWithThePublicHost() async throws {
        let started = try await start(Self.refusal, localhost: Self.localPage) {
            $0.fail(.rewriteHost, .after(ClusterError(.unavailable, "the API server did not answer")))
        }
        #expect(started.session.hostHeader == .preserve && annotation(started) == "preserve")
    }

    @Test func aCancelledTrialEndsWithThePublicHost() async throws {
        let started = try await start(Self.refusal, localhost: Self.localRefusal) { cluster in
            cluster.interrupt(.rewriteHost) { withUnsafeCurrentTask { $0?.cancel() } }
            cluster.interrupt(.rewriteHost) {
                guard Task.isCancelled else { return }
                cluster.fail(.rewriteHost, .before(ClusterError(.cancelled, "the caller has gone")))
            }
        }
        #expect(started.session.hostHeader == .preserve && annotation(started) == "preserve")
    }
}
