import PreviewDomain
import Synchronization
import TestSupport
import Testing

@testable import PreviewControl

/// A run that has ended according to the core API gets no approvals and no decisions.
@Suite("Runs that are over", .timeLimit(.minutes(1)))
struct EndedRunTests {
    private let run = GateHarness.run

    /// Facts that a test changes.
    private final class ChangingFacts: RunFactsSource {
        let known = Mutex(RunFacts())
        let forgotten = Mutex(0)

        func facts(of run: RunID) async -> RunFacts? { known.withLock(\.self) }
        func forget(_ run: RunID) { forgotten.withLock { $0 += 1 } }
        func end() { known.withLock { $0.hasEnded = true } }
    }

    private func withGate(_ work: (ControlHarness, ChangingFacts) async throws -> Void) async throws {
        let facts = ChangingFacts()
        let harness = try await ControlHarness(facts: facts)
        harness.cluster.addSandbox(for: run)
        try await work(harness, facts)
    }

    @Test func anEndedRunGetsNoNewRequest() async throws {
        try await withGate { harness, facts in
            facts.end()
            let refusal = await harness.core.gate.refusal()
            #expect(refusal?.kind == .runOver)
            #expect(harness.cluster.approvals(of: run).isEmpty)
            #expect(harness.cluster.liveRoutes.isEmpty)
        }
    }

    @Test func aPendingRequestOfAnEndedRunIsNeitherApprovedNorDenied() async throws {
        try await withGate { harness, facts in
            let gate = harness.core.gate
            let waiting = try await gate.pendingRequest(for: run)
            facts.end()
            for decide in [
                { try await gate.approve(run: run, requestID: waiting.id.text, scope: .run, by: "ada") },
                { try await gate.deny(run: run, requestID: waiting.id.text, by: "ada") },
            ] as [() async throws -> Approval] {
                let error = await #expect(throws: PreviewError.self) { _ = try await decide() }
                #expect(error?.kind == .runOver)
            }
            #expect(harness.cluster.approvals(of: run).map(\.state) == [.pending])
        }
    }

    @Test func aDecisionThatWasMadeInTimeMayBeRepeated() async throws {
        try await withGate { harness, facts in
            let gate = harness.core.gate
            let waiting = try await gate.pendingRequest(for: run)
            try await gate.approve(run: run, requestID: waiting.id.text, scope: .once, by: "ada")
            facts.end()
            let again = try await gate.approve(run: run, requestID: waiting.id.text, scope: .once, by: "ada")
            #expect(again.state == .granted)
        }
    }

    @Test func theirOptionIsNotTurnedOnUnlessTheCoreAPIHasAcceptedIt() async throws {
        try await withGate { harness, facts in
            facts.end()
            let gate = harness.core.gate
            let error = await #expect(throws: PreviewError.self) {
                try await gate.setAutoApprove(run: run, to: true, by: "ada")
            }
            #expect(error?.kind == .runOver)
            #expect(harness.cluster.claimAnnotations(of: run)[ApprovalAnnotation.autoApprove] == nil)
            try await gate.setAutoApprove(run: run, to: true, by: "ada", isAccepted: true)
            #expect(harness.cluster.claimAnnotations(of: run)[ApprovalAnnotation.autoApprove] == "true")
            #expect(facts.forgotten.withLock(\.self) == 1)
        }
    }

    @Test func theirOptionCanBeTurnedOff() async throws {
        try await withGate { harness, facts in
            let gate = harness.core.gate
            try await gate.setAutoApprove(run: run, to: true, by: "ada")
            facts.end()
            try await gate.setAutoApprove(run: run, to: false, by: "ada")
            #expect(harness.cluster.claimAnnotations(of: run)[ApprovalAnnotation.autoApprove] == nil)
        }
    }

    @Test func anEndedRunKeepsItsPreviewAndItsOwnerStartsOthers() async throws {
        try await withGate { harness, facts in
            let gate = harness.core.gate
            facts.known.withLock { $0.approvesToolsAutomatically = true }
            let first = try await gate.start(run: run, port: 3000, requester: "agent")
            facts.end()
            let again = try await gate.start(run: run, port: 3000, requester: "agent")
            #expect(again.session.token == first.session.token)
            _ = try await harness.previews.start(run: run, port: 3001, requester: "ada")
        }
    }
}
