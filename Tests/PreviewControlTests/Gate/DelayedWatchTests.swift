import Foundation
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

@Suite("A replica whose copy is late", .timeLimit(.minutes(2)))
struct DelayedWatchTests {
    private let run = GateHarness.run

    // MARK: Objects that are missing in the copy only

    enum MissingObject: CaseIterable { case claimDeleted, claimNotListed, anotherClaim, requestMissing }

    private func makeCopyStale(_ missing: MissingObject, _ harness: GateHarness, before old: ClaimRecord) {
        let approvals = harness.replicas[0].core.mirror
        switch missing {
        case .claimDeleted: approvals.apply(.claims(.deleted(old.identity.name)))
        case .claimNotListed: approvals.apply(.claims(.replaced([])))
        case .anotherClaim:
            let identity = ClaimIdentity(name: old.identity.name, uid: "an-earlier-one")
            approvals.apply(
                .claims(
                    .applied(
                        RunClaim(
                            ClaimRecord(
                                identity: identity,
                                writtenRun: old.writtenRun,
                                resourceVersion: "1",
                                ledger: ApprovalLedger(annotations: [:])
                            )
                        )
                    )
                )
            )
        case .requestMissing: approvals.apply(.claims(.applied(RunClaim(old))))
        }
    }

    @Test(arguments: MissingObject.allCases)
    func theCopyAloneDoesNotEndAWait(missing: MissingObject) async throws {
        let harness = try await GateHarness()
        let old = try #require(try await harness.claim())
        let (pending, start) = try await harness.requestWithStaleCopies()
        let current = try #require(try await harness.claim())
        harness.cluster.clearLog()
        // The first read fails: unknown does not mean gone either.
        harness.cluster.fail(.claim, .before(ClusterError(.unavailable, "the API server answered 500")))
        for _ in 0..<2 {
            let asked = harness.cluster.log.count { $0 == .claim }
            while harness.cluster.log.count(where: { $0 == .claim }) == asked {
                // The waiting call must have seen its request before it can miss it.
                harness.replicas[0].core.mirror.apply(.claims(.replaced([RunClaim(current)])))
                for _ in 0..<10 { await Task.yield() }
                makeCopyStale(missing, harness, before: old)
                for _ in 0..<10 { await Task.yield() }
            }
        }
        #expect(harness.states == [.pending])
        try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
        try await harness.updateClaimCopy(of: 0)
        _ = try await start.value
        #expect(harness.states == [.consumed])
    }

    @Test func aDecisionIsSeenWhereTheCopyHasNoClaim() async throws {
        let harness = try await GateHarness()
        let (pending, start) = try await harness.requestWithStaleCopies()
        try await harness.updateClaimCopy(of: 0)
        try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
        harness.replicas[0].core.mirror.apply(.claims(.replaced([])))
        _ = try await start.value
        #expect(harness.states == [.consumed])
    }

    // MARK: A silent watch

    @Test func aGrantIsFoundAlthoughTheWatchIsSilent() async throws {
        let harness = try await GateHarness()
        let (pending, start) = try await harness.requestWithStaleCopies()
        harness.cluster.clearLog()
        try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
        await harness.replicas[0].clock.waitForSleepers(1)
        harness.advance(by: .seconds(15))
        _ = try await start.value
        #expect(harness.states == [.consumed])
    }

    @Test func aWatchThatDeliversChangesSavesTheRead() async throws {
        let harness = try await GateHarness()
        let (_, start) = try await harness.requestWithStaleCopies()
        let claim = try #require(try await harness.claim())
        harness.cluster.clearLog()
        for _ in 0..<10 {
            await harness.replicas[0].clock.waitForSleepers(1)
            harness.replicas[0].core.mirror.apply(.claims(.applied(RunClaim(claim))))
            harness.advance(by: .seconds(15))
        }
        await harness.replicas[0].clock.waitForSleepers(1)
        #expect(harness.cluster.log.isEmpty)
        start.cancel()
        _ = await start.result
    }

    @Test func aSilentWatchCostsOneRequestIn15Seconds() async throws {
        let harness = try await GateHarness()
        let (_, start) = try await harness.requestWithStaleCopies()
        harness.cluster.clearLog()
        for count in 1...10 {
            await harness.replicas[0].clock.waitForSleepers(1)
            harness.advance(by: .seconds(15))
            await waitUntil { harness.cluster.log.count { $0 == .claim } == count }
        }
        await harness.replicas[0].clock.waitForSleepers(1)
        #expect(harness.cluster.log.allSatisfy { $0 == .claim })
        #expect(harness.cluster.log.count == 10)
        start.cancel()
        _ = await start.result
    }

    // MARK: At the deadline

    enum Grant: CaseIterable { case byTheAPI, byHand, byTheOption, byACommonGrant }

    @Test(arguments: Grant.allCases)
    func aGrantThatWasGivenInTimeStartsThePreviewAtTheDeadline(grant: Grant) async throws {
        let harness = try await GateHarness()
        let (pending, start) = try await harness.requestWithStaleCopies()
        await harness.replicas[0].clock.waitForSleepers(1)
        harness.cluster.advance(by: .seconds(299))
        switch grant {
        case .byTheAPI: try await harness[1].approve(run: run, requestID: pending.id.text, scope: .once, by: "ada")
        case .byHand:
            let text = pending.text.replacingOccurrences(of: "pending", with: "granted")
            harness.cluster.annotateClaim(of: run, [ApprovalAnnotation.approval(pending.id): text])
        case .byTheOption: try await harness[1].setAutoApprove(run: run, to: true, by: "ada")
        case .byACommonGrant:
            let port = try #require(TargetPort(3000))
            try await harness.cluster.addCommonGrant(StandingGrant(.always(port), by: "ada", at: harness.cluster.now))
        }
        // This replica then notices only that the deadline has passed.
        harness.cluster.advance(by: .seconds(3))
        harness.replicas[0].clock.advance(by: .seconds(300))
        _ = try await start.value
        #expect(harness.states == [.consumed])
        #expect(harness.cluster.liveRoutes.count == 1)
    }

    // MARK: The order of the writes

    /// Two feeds write at the same time, as the watches over claims and over the Gateway do. The last element that a
    /// watcher receives is the last state of its claim, in each of ten thousand rounds.
    @Test func theLastStateIsWhatAWatcherFindsLastTenThousandTimes() async throws {
        let index = ClusterMirror(policy: .testing())
        let identity = ClaimIdentity(name: run.claimName, uid: "claim")
        @Sendable func claim(_ version: Int) -> RunClaim {
            RunClaim(
                ClaimRecord(
                    identity: identity,
                    writtenRun: nil,
                    resourceVersion: "\(version)",
                    ledger: ApprovalLedger(annotations: [:])
                )
            )
        }
        index.apply(.claims(.replaced([claim(0)])))
        var stale = 0
        for round in 1...10_000 {
            // Many watchers prolong the delivery, and so raise the chance that another one comes between.
            let watchers = (0..<16).map { _ in index.updates(ofClaimNamed: identity.name) }
            async let claims: Void = index.apply(.claims(.applied(claim(round))))
            async let grants: Void = index.apply(.grants(StandingGrants()))
            _ = await (claims, grants)
            for watcher in watchers {
                var last = watcher.makeAsyncIterator()
                if await last.next()??.resourceVersion != "\(round)" { stale += 1 }
            }
        }
        #expect(stale == 0)
    }
}
