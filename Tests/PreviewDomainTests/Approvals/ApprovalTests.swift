import Foundation
import PreviewDomain
import Testing

@Suite("An approval", .timeLimit(.minutes(10)))
struct ApprovalTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let window = Duration.seconds(300)

    private func pending(requester: String = "agent") throws -> Approval {
        Approval(
            id: try ApprovalRequestID.mint(randomBytes: { Array(repeating: 7, count: $0) }),
            run: try RunID("3f2a9c1e-0000-4000-8000-000000000001"),
            port: try #require(TargetPort(3000)),
            pod: "pod-1",
            podUID: "uid-1",
            requester: requester,
            requestedAt: now,
            window: window
        )
    }

    /// One approval in every state.
    private func all() throws -> [Approval.State: Approval] {
        let pending = try pending()
        let granted = try #require(pending.after(approve))
        return [
            .pending: pending,
            .granted: granted,
            .consumed: try #require(granted.after(.use("u", preview: "76543210", at: now))),
            .denied: try #require(pending.after(deny)),
            .timedOut: try #require(pending.after(.expire(now: now + window))),
            .withdrawn: try #require(pending.after(withdraw)),
        ]
    }

    private var approve: Approval.Step { .approve(scope: .run, by: "ada", at: now, usableFor: window) }
    private var deny: Approval.Step { .deny(by: "ada", reason: "no", at: now) }
    private var withdraw: Approval.Step { .withdraw(reason: "pod", at: now) }

    @Test func everyStepFromEveryStateIsAllowedOrNotAsTheTableSays() throws {
        let late = now + window
        let allowed: [(Approval.Step, [Approval.State: Approval.State])] = [
            (approve, [.pending: .granted]),
            (.approveAutomatically(.setting, at: now, usableFor: window), [.pending: .granted]),
            (deny, [.pending: .denied]),
            (.use("u", preview: "0123abcd", at: now), [.granted: .consumed, .consumed: .consumed]),
            (.use("another", preview: "0123abcd", at: now), [.granted: .consumed]),
            (.returnGrant(use: "u"), [.consumed: .granted]),
            (.returnGrant(use: "another"), [:]),
            (.share(use: "u"), [.consumed: .consumed]),
            (.share(use: "another"), [:]),
            (.expire(now: late), [.pending: .timedOut, .granted: .withdrawn]),
            (.expire(now: late - .milliseconds(1)), [:]),
            (withdraw, [.pending: .withdrawn, .granted: .withdrawn]),
        ]
        for (state, approval) in try all() {
            #expect(approval.state == state)
            for (step, table) in allowed {
                #expect(approval.after(step)?.state == table[state], "\(step) from \(state)")
            }
        }
    }

    @Test func anApprovalThatIsOverIsNotDecidedAgain() throws {
        let decisions = [
            approve, .approveAutomatically(.setting, at: now, usableFor: window), deny, withdraw,
            .expire(now: .distantFuture),
        ]
        for approval in try all().values {
            #expect(approval.isFinal == (approval.expiry == nil))
            #expect(approval.isFinal == ![.pending, .granted].contains(approval.state))
            guard approval.isFinal else { continue }
            for step in decisions { #expect(approval.after(step) == nil, "\(step) from \(approval.state)") }
        }
    }

    @Test func aGrantIsUsableUntilTheWindowAfterTheDecisionIsOver() throws {
        let decided = now + .seconds(299)
        let step = Approval.Step.approve(scope: .once, by: "ada", at: decided, usableFor: window)
        let granted = try #require(try pending().after(step))
        #expect(granted.isUsable(now: decided + .seconds(299)))
        #expect(!granted.isUsable(now: decided + .seconds(300)))
        #expect(try pending().isUsable(now: now) == false)
    }

    @Test func everyStateReadsBackAsItWasWritten() throws {
        for approval in try all().values {
            #expect(Approval(id: approval.id, text: approval.text) == approval)
        }
    }

    @Test func aManualDecisionNeedsTheStateOnly() throws {
        let pending = try pending()
        let text = pending.text.replacingOccurrences(of: "pending", with: "granted")
        let granted = try #require(Approval(id: pending.id, text: text))
        #expect(granted.state == .granted)
        #expect(granted.decidedBy == nil)
        #expect(granted.isUsable(now: pending.deadline - .milliseconds(1)))
        // A caller that waits may learn of the decision only at the deadline.
        #expect(granted.isUsable(now: pending.deadline))
        #expect(!granted.isUsable(now: pending.deadline + Approval.unlimitedGrantGrace))
        #expect(granted.after(.use("u"))?.state == .consumed)
    }

    @Test func aGrantThatIsGivenBackIsWhatItWas() throws {
        let granted = try #require(try pending().after(approve))
        let used = try #require(granted.after(.use("u", preview: "0123abcd", at: now)))
        #expect(used.preview == "0123abcd")
        #expect(used.usedAt == now)
        #expect(used.after(.returnGrant(use: "u")) == granted)
        // Once another caller was told of the preview, the grant stays used.
        let shared = try #require(used.after(.share(use: "u")))
        #expect(shared.isShared)
        #expect(Approval(id: shared.id, text: shared.text) == shared)
        for step in [Approval.Step.returnGrant(use: "u"), .share(use: "u"), .use("u", preview: "76543210", at: now)] {
            #expect(shared.after(step) == nil)
        }
        // An automatic approval is withdrawn instead. The next request is approved automatically if the reason still
        // holds.
        let automatic = try #require(
            try pending().after(.approveAutomatically(.runOption, at: now, usableFor: window))?
                .after(.use("u", preview: "0123abcd", at: now))
        )
        #expect(automatic.after(.returnGrant(use: "u"))?.state == .withdrawn)
    }

    @Test func aPreviewIsKnownByItsFingerprintAndByNothingElse() throws {
        let used = try #require(
            try pending().after(approve)?.after(.use("u", preview: "0123abcd", at: now))
        )
        for text in ["0123ABCD", "0123abc", "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7", "", "../etc/p"] {
            let written = used.text.replacingOccurrences(of: "0123abcd", with: text)
            let read = try #require(Approval(id: used.id, text: written))
            #expect(read.state == .consumed)
            #expect(read.preview == nil)
        }
    }

    @Test(arguments: [
        "", "{}", "null", "[]", "pending", "{\"state\":\"pending\"}", "{\"state\":1}",
        String(repeating: "x", count: 10_000),
        #"{"state":"granted","run":"r","port":3000,"pod":"p\u0001","podUID":"u","requester":"a","requestedAt":"2026-01-01T00:00:00Z","deadline":"2026-01-01T00:05:00Z"}"#,
        #"{"state":"paid","run":"r","port":3000,"pod":"p","podUID":"u","requester":"a","requestedAt":"2026-01-01T00:00:00Z","deadline":"2026-01-01T00:05:00Z"}"#,
        #"{"state":"granted","run":"../r","port":3000,"pod":"p","podUID":"u","requester":"a","requestedAt":"2026-01-01T00:00:00Z","deadline":"2026-01-01T00:05:00Z"}"#,
        #"{"state":"granted","run":"r","port":0,"pod":"p","podUID":"u","requester":"a","requestedAt":"2026-01-01T00:00:00Z","deadline":"2026-01-01T00:05:00Z"}"#,
        #"{"state":"granted","run":"r","port":3000,"pod":"p","podUID":"","requester":"a","requestedAt":"2026-01-01T00:00:00Z","deadline":"2026-01-01T00:05:00Z"}"#,
        #"{"state":"granted","run":"r","port":3000,"pod":"p","podUID":"u","requester":"a","requestedAt":"yesterday","deadline":"2026-01-01T00:05:00Z"}"#,
    ])
    func invalidApprovalsAreIgnored(text: String) throws {
        #expect(Approval(id: try pending().id, text: text) == nil)
    }

    @Test func aNameOfAnyLengthLeavesTheApprovalSmall() throws {
        let long = String(repeating: "ö", count: 5000)
        let approval = try pending(requester: long)
        #expect(approval.requester.utf8.count <= Approval.maxNameBytes)
        #expect(approval.text.utf8.count < 1024)
        #expect(approval.isFor(run: approval.run, port: approval.port, podUID: "uid-1", requester: long))
        #expect(approval.isRequested(by: long))
        let denied = try #require(approval.after(.deny(by: long, reason: nil, at: now)))
        #expect(denied.isDecided(by: long))
        #expect(Approval(id: approval.id, text: approval.text) == approval)
    }

    @Test func aNameIsOneLine() throws {
        let approval = try pending(requester: "an\r\nagent\u{7F}")
        #expect(approval.requester == "an  agent ")
        #expect(approval.isRequested(by: "an\r\nagent\u{7F}"))
    }

    @Test func howeverLongAnApprovalIsEveryStepOfItCanBeRead() throws {
        // A control character takes six bytes of JSON.
        let long = String(repeating: "\\u0001", count: 1000)
        let name = String(repeating: "n", count: 253)
        let text = """
            {"state":"pending","run":"\(String(repeating: "r", count: 128))","port":65535,"pod":"\(name)",\
            "podUID":"\(name)","requester":"\(long)","requestedAt":"2026-01-01T00:00:00Z",\
            "deadline":"2026-01-01T00:05:00Z"}
            """
        let id = try pending().id
        var approval = try #require(Approval(id: id, text: text))
        let now = approval.requestedAt
        for step in [
            Approval.Step.approve(scope: .always, by: "\u{1}" + long, at: now, usableFor: .seconds(300)),
            .withdraw(reason: String(repeating: "\u{1}", count: 500), at: now),
        ] {
            approval = try #require(approval.after(step))
            #expect(Approval(id: id, text: approval.text) == approval)
        }
    }

    @Test func anApprovalIsForOneRunPortPodAndCaller() throws {
        let approval = try pending()
        let other = try RunID("3f2a9c1e-0000-4000-8000-000000000002")
        let port = try #require(TargetPort(3001))
        #expect(approval.isFor(run: approval.run, port: approval.port, podUID: "uid-1", requester: "agent"))
        #expect(!approval.isFor(run: other, port: approval.port, podUID: "uid-1", requester: "agent"))
        #expect(!approval.isFor(run: approval.run, port: port, podUID: "uid-1", requester: "agent"))
        #expect(!approval.isFor(run: approval.run, port: approval.port, podUID: "uid-2", requester: "agent"))
        #expect(!approval.isFor(run: approval.run, port: approval.port, podUID: "uid-1", requester: "ada"))
    }

    @Test func annotationNamesAreTheContracts() throws {
        let approval = try pending()
        #expect(approval.resource == "sandbox-preview:3000")
        #expect(approval.id.displayID == String(approval.id.text.prefix(8)))
        #expect(approval.question.hasPrefix("The agent wants to expose a preview server on port 3000. "))
        let key = ApprovalAnnotation.approval(approval.id)
        #expect(key == "preview.agentweaver.dev/approval.\(approval.id.text)")
        #expect(key.split(separator: "/")[1].utf8.count <= 63)
    }

    @Test(arguments: [
        "", "a", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxy1", "../../../../../../../../../",
    ])
    func anInvalidRequestIDIsRefused(text: String) {
        #expect(ApprovalRequestID(text) == nil)
    }
}
