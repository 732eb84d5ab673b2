import Foundation
import PreviewDomain
import Testing

@Suite("The approvals on a claim", .timeLimit(.minutes(10)))
struct ApprovalLedgerTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func approval(_ number: Int, state: Approval.State = .pending) throws -> Approval {
        let pending = Approval(
            id: try ApprovalRequestID.mint(randomBytes: { Array(repeating: UInt8(number), count: $0) }),
            run: try RunID("run-1"),
            port: try #require(TargetPort(3000 + number)),
            pod: "pod-1",
            podUID: "uid-1",
            requester: "agent",
            requestedAt: now + .seconds(number),
            window: .seconds(300)
        )
        switch state {
        case .denied: return try #require(pending.after(.deny(by: "ada", reason: nil, at: now)))
        case .consumed:
            let step = Approval.Step.approve(scope: .once, by: "ada", at: now, usableFor: .seconds(300))
            return try #require(pending.after(step)?.after(.use("u", preview: "0123abcd", at: now)))
        default: return pending
        }
    }

    private func ledger(_ approvals: [Approval], and others: [String: String] = [:]) -> ApprovalLedger {
        let annotations = Dictionary(
            uniqueKeysWithValues: approvals.map { (ApprovalAnnotation.approval($0.id), $0.text) }
        )
        return ApprovalLedger(annotations: annotations.merging(others) { $1 })
    }

    @Test func theOldestRequestComesFirstAndStrangersAreLeftOut() throws {
        let approvals = try [3, 1, 2].map { try approval($0) }
        let ledger = ledger(
            approvals,
            and: [
                "preview.agentweaver.dev/approval.nonsense": "{}", "preview.agentweaver.dev/approval.": "x",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
            ]
        )
        #expect(ledger.entries.map(\.approval.port.number) == [3001, 3002, 3003])
        #expect(ledger.nextExpiry == now + .seconds(301))
    }

    @Test func decidedApprovalsMakeRoomTheOldestFirst() throws {
        let approvals = try (1...16).map { try approval($0, state: $0.isMultiple(of: 5) ? .denied : .pending) }
        let changes = try #require(ledger(approvals).annotations(adding: try approval(17)))
        #expect(changes.count == 2)
        #expect(changes[ApprovalAnnotation.approval(approvals[4].id)] == .some(nil))
        #expect(changes[ApprovalAnnotation.approval(try approval(17).id)] == (try approval(17).text))
    }

    @Test func approvalsThatBecamePreviewsAreRemovedLast() throws {
        let approvals = try (1...16).map { try approval($0, state: $0 == 9 ? .denied : .consumed) }
        let first = try #require(ledger(approvals).annotations(adding: try approval(17)))
        #expect(first[ApprovalAnnotation.approval(approvals[8].id)] == .some(nil))
        #expect(first.count == 2)
        let used = try (1...16).map { try approval($0, state: .consumed) }
        let second = try #require(ledger(used).annotations(adding: try approval(17)))
        #expect(second[ApprovalAnnotation.approval(used[0].id)] == .some(nil))
    }

    @Test func aConditionHoldsTheTextThatWasRead() throws {
        let ledger = ledger([], and: [ApprovalAnnotation.autoApprove: "true"])
        let condition = try #require(ledger.unchanged(ApprovalAnnotation.autoApprove))
        #expect(condition.old == "true")
        #expect(!condition.isChange)
        #expect(ledger.unchanged(ApprovalAnnotation.grants) == nil)
    }

    @Test func aClaimFullOfOpenRequestsTakesNoMore() throws {
        let approvals = try (1...16).map { try approval($0) }
        #expect(ledger(approvals).annotations(adding: try approval(17)) == nil)
        let ended = try #require(approvals[7].after(.expire(now: now + .seconds(1000))))
        let changes = try #require(ledger(approvals).annotations(adding: try approval(17), steps: [ended]))
        #expect(changes[ApprovalAnnotation.approval(ended.id)] == .some(nil))
    }

    @Test func unreadableApprovalsAreRemoved() throws {
        let others = Dictionary(
            uniqueKeysWithValues: (0..<500).map { ("preview.agentweaver.dev/approval.x\($0)", "garbage") }
        )
        let changes = try #require(ledger([try approval(1)], and: others).annotations(adding: try approval(2)))
        #expect(changes.count == 501)
        #expect(others.keys.allSatisfy { changes[$0] == .some(nil) })
    }

    @Test(arguments: ["true", "false", "TRUE", "1", "", "{}"])
    func onlyTheWordTrueSwitchesAutomaticApprovalOn(text: String) {
        let ledger = ApprovalLedger(annotations: [ApprovalAnnotation.autoApprove: text])
        #expect(ledger.approvesAutomatically == (text == "true"))
    }

    @Test func aFullClaimStaysFarBelowTheSizeThatKubernetesAllows() throws {
        let worst = String(repeating: "ö", count: 1000)
        let approval = Approval(
            id: try ApprovalRequestID.mint(randomBytes: { Array(repeating: 1, count: $0) }),
            run: try RunID(String(repeating: "a", count: 128)),
            port: try #require(TargetPort(65535)),
            pod: String(repeating: "p", count: 253),
            podUID: UUID().uuidString,
            requester: worst,
            requestedAt: now,
            window: .seconds(300)
        )
        let denied = try #require(approval.after(.deny(by: worst, reason: worst, at: now)))
        #expect((denied.text.utf8.count + 70) * ApprovalLedger.maxApprovals < 64 * 1024)
    }
}

@Suite("Standing grants", .timeLimit(.minutes(10)))
struct StandingGrantsTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    @Test func eachReachesAsFarAsItsScopeSays() throws {
        let (run, other) = (try RunID("run-1"), try RunID("run-2"))
        let (port, otherPort) = (try #require(TargetPort(3000)), try #require(TargetPort(3001)))
        let table: [(StandingGrant.Scope, covers: [Bool])] = [
            (.run(run, port), [true, false, false, false]),
            (.tool(run), [true, true, false, false]),
            (.always(port), [true, false, true, false]),
        ]
        for (scope, covers) in table {
            var grants = StandingGrants()
            grants.add(StandingGrant(scope, by: "ada", at: now))
            let read = StandingGrants(text: grants.text)
            #expect(read == grants)
            let asked = [(run, port), (run, otherPort), (other, port), (other, otherPort)]
            for (index, ask) in asked.enumerated() {
                #expect((read.scope(covering: ask.0, port: ask.1) != nil) == covers[index], "\(scope) \(ask)")
            }
        }
    }

    @Test(arguments: [
        nil, "", "true", "{}", "[1]", #"[{"scope":"run"}]"#, #"[{"scope":"run","run":"run-1"}]"#,
        #"[{"scope":"tool","port":3000}]"#, #"[{"scope":"always","port":99999}]"#, #"[{"scope":"once","port":3000}]"#,
    ])
    func unreadableGrantsGrantNothing(text: String?) {
        #expect(StandingGrants(text: text).grants.isEmpty)
    }

    @Test func oneUnreadableGrantDoesNotHideTheOthers() throws {
        let text = #"[{"scope":"everything"},7,{"scope":"tool","run":"run-1"}]"#
        #expect(StandingGrants(text: text).grants.map(\.scope) == [.tool(try RunID("run-1"))])
    }

    @Test func theOldestGivesWayWhenThereAreTooMany() throws {
        var grants = StandingGrants()
        for port in 3000..<3000 + StandingGrants.maxCount + 1 {
            grants.add(StandingGrant(.always(try #require(TargetPort(port))), by: "ada", at: now))
        }
        #expect(grants.grants.count == StandingGrants.maxCount)
        #expect(grants.scope(covering: try RunID("run-1"), port: try #require(TargetPort(3000))) == nil)
    }

    @Test(arguments: ["\u{1}", "\n", "\"", "\\", "/", "ö"])
    func asManyAsThereMayBeCanBeReadWhoeverGaveThem(character: Character) throws {
        let name = String(repeating: character, count: 1000)
        let run = try RunID(String(repeating: "r", count: RunID.maximumLength))
        var grants = StandingGrants()
        for port in 3000..<3000 + StandingGrants.maxCount {
            grants.add(StandingGrant(.run(run, try #require(TargetPort(port))), by: name, at: now))
        }
        let read = StandingGrants(text: grants.text)
        #expect(read == grants && read.grants.count == StandingGrants.maxCount)
    }
}
