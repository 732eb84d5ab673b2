import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("Which protocol the gateway speaks to an app", .timeLimit(.minutes(1)))
struct BackendProtocolTests {
    private static let run = ControlHarness.run
    private static let protocolError = ProbeOutcome.answered(
        ProbeResponse(
            status: 502,
            isFromUpstream: false,
            text: "upstream connect error or disconnect/reset before headers. reset reason: protocol error"
        )
    )
    private static let termination =
        "upstream connect error or disconnect/reset before headers. reset reason: connection termination"
    private static let closed = ProbeOutcome.answered(
        ProbeResponse(status: 503, isFromUpstream: false, text: termination)
    )
    private static let page = ProbeOutcome.answered(ProbeResponse(status: 200))

    private func start(
        _ http1: ProbeOutcome = protocolError,
        http2: ProbeOutcome,
        localhost: ProbeOutcome? = nil,
        prepare: (SimulatedCluster) -> Void = { _ in }
    ) async throws -> (session: PreviewSession, cluster: SimulatedCluster, harness: ControlHarness) {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: Self.run)
        harness.cluster.setProbeOutcome(http1)
        harness.cluster.setHTTP2Outcome(http2)
        if let localhost { harness.cluster.setLocalhostOutcome(localhost) }
        prepare(harness.cluster)
        let session = try await whileTimePasses(harness) {
            try await harness.previews.start(run: Self.run, port: 3000, requester: "ada").session
        }
        return (session, harness.cluster, harness)
    }

    /// Advances the time whenever `work` waits; meanwhile the gateway begins to serve a changed route.
    private func whileTimePasses<Value: Sendable>(
        _ harness: ControlHarness,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await IdleExecutor().runWork(work) { harness.advance(by: .milliseconds(100)) }
    }

    @Test func anAppThatSpeaksHTTP2OnlyIsServedByIt() async throws {
        let started = try await start(http2: Self.page)
        #expect(started.session.readiness.state == .serving)
        #expect(started.session.readiness.detail?.contains("HTTP/2 without TLS") == true)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http2)
        #expect(started.cluster.log.count { $0 == .setBackendProtocol } == 1)
        // The wait ends as soon as the result is known.
        #expect(started.cluster.log.count { $0 == .probe } <= 3)
    }

    /// Like a server for which HTTP/1.1 is an invalid HTTP/2 preface.
    @Test func anAppThatClosesOnHTTP1IsTriedAfterAMoment() async throws {
        let started = try await start(Self.closed, http2: Self.page)
        #expect(started.session.readiness.state == .serving)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http2)
    }

    @Test func anAppThatClosesInBothProtocolsGetsItsRouteBack() async throws {
        let started = try await start(Self.closed, http2: Self.closed)
        #expect(started.session.readiness.state == .noApp)
        #expect(started.session.readiness.detail?.contains("closes the connection") == true)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http1)
    }

    @Test(arguments: [BackendProtocolTests.protocolError, .noListener, .notConnected])
    func anAppOfAnotherProtocolGetsItsRouteBack(http2: ProbeOutcome) async throws {
        let started = try await start(http2: http2)
        #expect(started.session.readiness.state == .noApp)
        #expect(started.session.readiness.detail?.contains("supports neither HTTP/1.1 nor HTTP/2 without TLS") == true)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http1)
        #expect(started.cluster.log.count { $0 == .setBackendProtocol } == 2)
    }

    @Test func anAppThatSpeaksHTTP2AndRefusesTheHostIsTriedWithLocalhostToo() async throws {
        let started = try await start(
            http2: .answered(ProbeResponse(status: 403, text: "Blocked request. This host")),
            localhost: .answered(ProbeResponse(status: 200, mark: .localhost))
        )
        #expect(started.session.readiness.state == .serving && started.session.hostHeader == .localhost)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http2)
    }

    @Test func aRouteThatCannotBeChangedTellsWhatWasFound() async throws {
        let started = try await start(http2: Self.page) {
            $0.fail(.setBackendProtocol, .before(ClusterError(.unavailable, "the API server answered 500")))
        }
        #expect(started.session.readiness.state == .noApp)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http1)
    }

    /// Like a write whose response is lost.
    @Test func aTrialWithoutAnAnswerToItsFirstWriteEndsWithHTTP1() async throws {
        let started = try await start(http2: Self.protocolError) {
            $0.fail(.setBackendProtocol, .after(ClusterError(.unavailable, "the API server did not answer")))
        }
        #expect(started.session.readiness.state == .noApp)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http1)
    }

    @Test func aCancelledTrialEndsWithHTTP1() async throws {
        let started = try await start(http2: Self.protocolError) { cluster in
            cluster.interrupt(.setBackendProtocol) { withUnsafeCurrentTask { $0?.cancel() } }
            cluster.interrupt(.setBackendProtocol) {
                guard Task.isCancelled else { return }
                cluster.fail(.setBackendProtocol, .before(ClusterError(.cancelled, "the caller has gone")))
            }
        }
        #expect(started.cluster.log.count { $0 == .setBackendProtocol } == 2)
        #expect(started.cluster.backendProtocol(of: started.session.token) == .http1)
    }

    @Test func theNextTrialFindsARouteThatWasNotChangedBack() async throws {
        let started = try await start(http2: Self.protocolError) { cluster in
            cluster.interrupt(.setBackendProtocol) {}
            cluster.interrupt(.setBackendProtocol) {
                cluster.fail(.setBackendProtocol, .before(ClusterError(.unavailable, "the API server answered 500")))
            }
        }
        let (cluster, harness, token) = (started.cluster, started.harness, started.session.token)
        #expect(cluster.backendProtocol(of: token) == .http2)
        cluster.setProbeOutcome(Self.page)
        let preview = try #require(try await cluster.route(token))
        let readiness = try await whileTimePasses(harness) {
            await harness.previews.probeReadinessAgain(of: preview, mayTryHTTP2: true)
        }
        #expect(readiness.state == .serving && readiness.detail == nil)
        #expect(cluster.backendProtocol(of: token) == .http1)
    }

    @Test func anAppThatFailsForAWhileKeepsItsHTTP2() async throws {
        let started = try await start(http2: Self.page)
        let (cluster, harness, token) = (started.cluster, started.harness, started.session.token)
        cluster.setProbeOutcome(Self.closed)
        cluster.setHTTP2Outcome(Self.closed)
        func probeAgain() async throws -> Readiness {
            let preview = try #require(try await cluster.route(token))
            return try await whileTimePasses(harness) {
                await harness.previews.probeReadinessAgain(of: preview, mayTryHTTP2: true)
            }
        }
        #expect(try await probeAgain().state == .noApp)
        #expect(cluster.backendProtocol(of: token) == .http2)
        cluster.setHTTP2Outcome(Self.page)
        #expect(try await probeAgain().state == .serving)
        #expect(cluster.backendProtocol(of: token) == .http2)
    }

    /// Its routes are not marked, and its Services have no port for HTTP/2.
    @Test func aRouteOfTheOlderServiceIsNotChanged() async throws {
        let harness = try await ControlHarness()
        let token = try #require(PreviewToken("older-one"))
        harness.cluster.addRoute(
            name: token.objectName,
            labels: [
                PreviewLabel.partOf: PreviewLabel.partOfValue, PreviewLabel.token: token.text,
                PreviewLabel.run: Self.run.label.text,
            ],
            annotations: [:]
        )
        harness.cluster.setRouteStatus(RouteStatus(isAccepted: true, isMarked: false))
        harness.cluster.setProbeOutcome(
            .answered(ProbeResponse(status: 503, isFromUpstream: false, mark: nil, text: Self.termination))
        )
        let preview = try #require(try await harness.cluster.route(token))
        let readiness = await harness.previews.probeReadinessAgain(of: preview, mayTryHTTP2: true)
        #expect(readiness.state == .noApp)
        #expect(!harness.cluster.log.contains(.setBackendProtocol))
    }

    @Test func anAppThatSpeaksHTTP1CostsNothingMore() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: Self.run)
        _ = try await harness.previews.start(run: Self.run, port: 3000, requester: "ada")
        #expect(!harness.cluster.log.contains(.setBackendProtocol))
    }
}
