import FoundationEssentials
import PreviewControl
import PreviewDomain
import TestSupport
import Testing

@Suite("Starting a preview", .timeLimit(.minutes(10)))
struct StartTests {
    private let run = ControlHarness.run

    @Test func bothObjectsExistAfterwardsAndCarryTheRun() async throws {
        let harness = try await ControlHarness()
        let pod = harness.cluster.addSandbox(for: run, owner: "ada")

        let started = try await harness.previews.start(run: run, port: 3000, requester: "somebody")

        let token = started.session.token
        #expect(harness.cluster.liveRoutes == [token])
        #expect(harness.cluster.liveBackends == [token])
        let annotations = try #require(harness.cluster.annotations(of: token))
        #expect(annotations[PreviewAnnotations.Key.run] == run.label.text)
        #expect(annotations[PreviewAnnotations.Key.owner] == "ada")
        #expect(annotations[PreviewAnnotations.Key.podUID] == pod.uid)
        #expect(annotations[PreviewAnnotations.Key.targetPort] == "3000")
        #expect(started.session.readiness == Readiness(.serving, appStatus: 200))
        #expect(started.session.expiresAt == harness.cluster.now + .seconds(1800))
    }

    @Test func theRequesterOwnsThePreviewWhereTheClaimNamesNoOwner() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run, owner: nil)
        let started = try await harness.previews.start(run: run, port: 3000, requester: "grace")
        #expect(
            harness.cluster.annotations(of: started.session.token)?[PreviewAnnotations.Key.owner] == "grace"
        )
    }

    @Test func withWarmCachesItAsksForTwoCreatesAndOneSecondLook() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.mirror.apply(.routes(.replaced([])))
        _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        #expect(harness.cluster.log == [.resolveSandbox, .createService, .createRoute, .routes, .probe])
    }

    @Test(arguments: [Int.min, -1, 0, 1, 2999, 9001, 65_536, Int.max])
    func aPortOutsideTheAllowedRangeIsRefusedBeforeTheClusterIsAsked(port: Int) async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: port, requester: "ada")
        }
        #expect(error?.kind == .invalid)
        #expect(error?.message.contains("3000") == true)
        #expect(harness.cluster.log.isEmpty)
    }

    @Test func aRunWithoutASandboxGetsAConflict() async throws {
        let harness = try await ControlHarness()
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        }
        #expect(error?.kind == .noSandbox)
    }

    @Test func switchedOffItStartsNothing() async throws {
        var policy = PreviewPolicy.testing()
        policy.isEnabled = false
        let harness = try await ControlHarness(policy: policy)
        harness.cluster.addSandbox(for: run)
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        }
        #expect(error?.kind == .disabled)
        #expect(harness.cluster.log.isEmpty)
    }

    @Test func nothingIsStartedBeforeTheFirstSweep() async throws {
        let harness = try await ControlHarness(isReady: false)
        harness.cluster.addSandbox(for: run)
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        }
        #expect(error?.kind == .braked)
        #expect(error?.retryAfter != nil)
    }

    @Test func withoutRandomnessNothingIsMade() async throws {
        struct NoEntropy: Error {}
        let harness = try await ControlHarness(randomBytes: { _ in throw NoEntropy() })
        harness.cluster.addSandbox(for: run)
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        }
        #expect(error?.kind == .clusterUnavailable)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    // MARK: Rollback

    static let failures: [(error: ClusterError, kind: PreviewError.Kind)] = [
        (ClusterError(.unavailable, "the API server answered 500"), .clusterUnavailable),
        (ClusterError(.refused, "the API server answered 403"), .clusterRefused),
        (ClusterError(.quotaExceeded, "the quota is used up"), .clusterRefused),
        (ClusterError(.rejected, "the API server answered 422"), .clusterRefused),
        (ClusterError(.cancelled, "the request was cancelled"), .cancelled),
    ]

    @Test(
        "Whatever step fails, before or after it took effect, nothing is left",
        arguments: [SimulatedCluster.Operation.createService, .createRoute, .routes],
        [true, false]
    )
    func aFailedStepLeavesNothing(step: SimulatedCluster.Operation, tookEffect: Bool) async throws {
        for (failure, kind) in Self.failures {
            let harness = try await ControlHarness()
            harness.cluster.addSandbox(for: run)
            harness.mirror.apply(.routes(.replaced([])))
            harness.cluster.fail(step, tookEffect ? .after(failure) : .before(failure))
            let error = await #expect(throws: PreviewError.self) {
                _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
            }
            #expect(error?.kind == kind)
            #expect(error?.retryAfter == (kind == .cancelled ? .zero : failure.retryTime))
            #expect(harness.cluster.liveRoutes.isEmpty)
            #expect(harness.cluster.liveBackends.isEmpty)
        }
    }

    @Test func aCallerThatGoesAwayLeavesNothing() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.fail(.createRoute, .after(ClusterError(.unavailable, "the request was cancelled")))
        let (calls, source) = AsyncStream.makeStream(of: Task<StartedPreview, any Error>.self)
        harness.cluster.interrupt(.createRoute) { await calls.first { _ in true }?.cancel() }
        let start = Task { try await harness.previews.start(run: run, port: 3000, requester: "ada") }
        source.yield(start)
        await #expect(throws: PreviewError.self) { _ = try await start.value }
        #expect(harness.cluster.liveRoutes.isEmpty)
        #expect(harness.cluster.liveBackends.isEmpty)
    }

    @Test func aServiceNameThatExistsIsReplacedByAnotherAndLeftAlone() async throws {
        let harness = try await ControlHarness(seed: 7)
        harness.cluster.addSandbox(for: run)
        let random = SeededRandom(seed: 7)
        let first = try PreviewToken.mint(randomBytes: { random.bytes($0) })
        harness.cluster.addBackend(first, run: nil)

        let started = try await harness.previews.start(run: run, port: 3000, requester: "ada")

        #expect(started.session.token != first)
        #expect(Set(harness.cluster.liveBackends) == [first, started.session.token])
    }

    @Test func aServiceNameThatAlwaysExistsEndsInAnErrorAndNothingLeft() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.failAlways(.createService, ClusterError(.alreadyExists, "an object of that name exists"))
        let error = await #expect(throws: PreviewError.self) {
            _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        }
        #expect(error?.kind == .clusterRefused)
        #expect(harness.cluster.log.count { $0 == .createService } == 3)
        #expect(harness.cluster.liveRoutes.isEmpty)
    }

    @Test func aStartWhoseServiceWasDeletedUnderItFailsAndLeavesNothing() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        for outcome in [ProbeOutcome.noListener, .noRoute, .nameUnresolved] {
            harness.cluster.setProbeOutcome(outcome)
            harness.cluster.interrupt(.createRoute) {
                for token in harness.cluster.liveBackends { harness.cluster.removeBackend(token) }
            }
            // The status that the gateway reports for a route without its Service.
            harness.cluster.setRouteStatus(RouteStatus(isAccepted: false, problem: "BackendNotFound"))
            let error = await #expect(throws: PreviewError.self) {
                _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
            }
            #expect(error?.kind == .clusterUnavailable)
            #expect(error?.message.contains("Service was deleted") == true)
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func aServiceThatCannotBeReadIsNotConsideredDeleted() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.setProbeOutcome(.noListener)
        harness.cluster.fail(.backend, .before(ClusterError(.unavailable, "the API server answered 500")))
        _ = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        #expect(harness.cluster.liveRoutes.count == 1)
    }

    // MARK: Readiness

    @Test func anAppThatDoesNotListenIsNamedAsTheReason() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.setProbeOutcome(.noListener)
        let started = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        #expect(started.session.readiness.state == .noApp)
        #expect(started.session.readiness.detail?.contains("0.0.0.0") == true)
        #expect(harness.cluster.liveRoutes.count == 1)
    }

    @Test func aRouteThatTheGatewayRefusesIsNotReadyAndSaysWhy() async throws {
        let harness = try await ControlHarness()
        harness.cluster.addSandbox(for: run)
        harness.cluster.setProbeOutcome(.noRoute)
        harness.cluster.setRouteStatus(
            RouteStatus(isAccepted: false, problem: "NoMatchingListenerHostname")
        )
        let started = try await harness.previews.start(run: run, port: 3000, requester: "ada")
        #expect(started.session.readiness.state == .notAccepted)
        #expect(started.session.readiness.detail?.contains("NoMatchingListenerHostname") == true)
    }

    @Test func aGatewayThatNeedsTimeIsAskedAgainUntilItServes() async throws {
        var policy = PreviewPolicy.testing()
        policy.readyTimeout = .seconds(10)
        let harness = try await ControlHarness(policy: policy)
        harness.cluster.addSandbox(for: run)
        harness.cluster.setProbeOutcome(.noRoute)
        async let started = harness.previews.start(run: run, port: 3000, requester: "ada")
        for _ in 0..<3 {
            await harness.clock.waitForSleepers(1)
            harness.clock.advance(by: .milliseconds(500))
        }
        await harness.clock.waitForSleepers(1)
        harness.cluster.setProbeOutcome(.answered(ProbeResponse(status: 404)))
        harness.clock.advance(by: .milliseconds(500))
        let readiness = try await started.session.readiness
        #expect(readiness == Readiness(.serving, appStatus: 404, detail: readiness.detail))
    }
}
