import Basics
import FoundationEssentials
import KubernetesModel
import PreviewControl

@testable import PreviewDomain

/// Annotations of objects are read leniently, whatever their text: no preview becomes immortal, nothing is granted
/// without a recorded grant, and this service reads back what it writes.
enum AnnotationProperties {
    private static let createdAt = Date(timeIntervalSince1970: 1_767_323_045)

    /// Reads the bytes as one text of each kind, and as a JSON object of annotations.
    static func check(_ bytes: [UInt8]) throws {
        let text = String(decoding: bytes, as: UTF8.self)
        try NameProperties.check(text)
        try checkTime(text)
        try checkApproval(text)
        try checkGrants(text)
        try checkTimelineEntry(bytes)
        if let annotations = try? JSONDecoder().decode([String: String].self, from: Data(bytes)) {
            try checkPreview(annotations)
            try checkLedger(annotations)
        }
    }

    /// The latest instant that can be written.
    private static let latest = RFC3339.date("9999-12-31T23:59:59.999Z")

    private static func checkTime(_ text: String) throws {
        guard let date = RFC3339.date(text) else { return }
        let written = RFC3339.string(date)
        let again = try require(RFC3339.date(written), "a timestamp that is written can be read")
        try require(again >= date || again == latest, "what was promised is never read back as earlier")
        try require(abs(again.timeIntervalSince(date)) < 0.001_1, "a timestamp is rounded to the next millisecond")
        try require(RFC3339.string(again) == written, "a timestamp reads back the same")
    }

    // MARK: Approvals

    private static let requestID = "k7m2q4x3n5b3r6t5w2zac2d4f7"

    private static func checkApproval(_ text: String) throws {
        let id = try require(ApprovalRequestID(requestID), "the request's id is one")
        guard let approval = Approval(id: id, text: text) else { return }
        let written = approval.text
        let again = try require(Approval(id: id, text: written), "an approval that is written can be read")
        try require(again.text == written, "an approval reads back the same")
        try require(
            again.state == approval.state && again.port == approval.port && again.run == approval.run,
            "an approval stays for the same"
        )
        for name in [approval.requester, approval.decidedBy, approval.reason].compactMap(\.self) {
            try require(name.utf8.count <= Approval.maxNameBytes, "an approval stays small")
        }
        let end = approval.usableUntil ?? approval.deadline + Approval.unlimitedGrantGrace
        try require(!approval.isUsable(now: end), "a grant ends when it says")
        try require(approval.state == .granted || !approval.isUsable(now: .distantPast), "only a grant can be used")
        let steps: [Approval.Step] = [
            .approve(scope: .always, by: "somebody", at: createdAt, usableFor: .seconds(300)),
            .approveAutomatically(.setting, at: createdAt, usableFor: .seconds(300)),
            .deny(by: "somebody", reason: nil, at: createdAt),
            .use("once", preview: "0123abcd", at: createdAt), .expire(now: .distantFuture),
            .withdraw(reason: "The pod was replaced.", at: createdAt),
        ]
        for step in steps {
            guard let next = approval.after(step) else { continue }
            try require(!approval.isFinal, "what is settled stays so")
            try require(next.state != .consumed || approval.state == .granted, "nothing is used without a grant")
            try require(next.state != .granted || approval.state == .pending, "only what waits is granted")
            try require(Approval(id: id, text: next.text) != nil, "every step can be read")
        }
        guard let use = approval.use, let back = approval.after(.returnGrant(use: use)) else { return }
        try require(approval.state == .consumed, "only what is used is given back")
        let state: Approval.State = approval.automatic == nil ? .granted : .withdrawn
        try require(back.state == state, "what nobody granted is not granted")
        try require(back.use == nil && back.preview == nil, "what is given back names no use")
        try require(Approval(id: id, text: back.text) != nil, "what is given back can be read")
    }

    private static func checkGrants(_ text: String) throws {
        let grants = StandingGrants(text: text)
        try require(grants.grants.count <= StandingGrants.maxCount, "an object has room for so many grants")
        let again = StandingGrants(text: grants.text)
        try require(again.text == grants.text, "grants read back the same")
        try require(Set(again.grants.map(\.scope)) == Set(grants.grants.map(\.scope)), "grants reach as far as before")
    }

    private static func checkLedger(_ annotations: [String: String]) throws {
        let ledger = ApprovalLedger(annotations: annotations)
        try require(
            !ledger.approvesAutomatically || annotations[ApprovalAnnotation.autoApprove] == "true",
            "only the word switches the option on"
        )
        let id = try require(ApprovalRequestID(requestID), "the request's id is one")
        let approval = Approval(
            id: id,
            run: try RunID("run-1"),
            port: try require(TargetPort(3000), "the port is one"),
            pod: "pod-1",
            podUID: "uid-1",
            requester: "agent",
            requestedAt: createdAt,
            window: .seconds(300)
        )
        // A new request has an ID that no other request has.
        guard annotations[ApprovalAnnotation.approval(id)] == nil, let changes = ledger.annotations(adding: approval)
        else { return }
        var after = annotations
        for (key, text) in changes { after[key] = text }
        let next = ApprovalLedger(annotations: after)
        try require(next.entry(id)?.approval == approval, "a request that is added is there")
        try require(next.entries.count <= ApprovalLedger.maxApprovals, "a claim has room for so many requests")
    }

    // MARK: Previews

    private static func checkPreview(_ annotations: [String: String]) throws {
        let token = try require(PreviewToken("swift-falcon-amber-\(requestID)"), "the token is one")
        let policy = LifetimePolicy()
        let cap = createdAt + policy.maxLifetime
        let preview = Preview(
            name: token.objectName,
            labels: PreviewLabel.labels(token: token, run: try RunID("run-1").label),
            annotations: annotations,
            uid: "uid-1",
            resourceVersion: "7",
            createdAt: createdAt,
            isBeingDeleted: false
        )
        let read = try require(preview, "an object of ours is read whatever its annotations say")
        try require(read.deadline(policy: policy) <= cap, "nothing is immortal")
        try require(read.targetPort.map(TargetPort.range.contains) ?? true, "a port is one")
        try require(read.runID.map { $0.label == read.run } ?? true, "the run's id fits its label")
        for presence in Presence.allCases {
            let decision = reapDecision(read, pod: presence, claim: presence, now: cap, policy: policy)
            guard case .reap = decision else { throw BrokenProperty(description: "at its cap everything ends") }
        }
        let now = (earliest: createdAt + .seconds(60), latest: createdAt + .seconds(61))
        switch policy.keepalive(read, now: now) {
        case .extend(let until), .alreadyAlive(let until):
            let promise = min(now.latest + policy.idleTimeout, read.effectiveMaxUntil(policy: policy))
            try require(until >= promise, "a promise holds")
            try require(until <= cap, "no keepalive reaches past the cap")
        case .expired:
            try require(read.deadline(policy: policy) <= now.earliest, "only what is over is refused")
        }
    }

    // MARK: The timeline

    private static func checkTimelineEntry(_ bytes: [UInt8]) throws {
        let claim = ClaimIdentity(name: "agent-1", uid: "uid-1")
        guard let entry = TimelineEntry(json: bytes, on: claim) else { return }
        let written = try entry.json()
        try require(!written.contains(UInt8(ascii: "\n")), "an entry is one line")
        let again = try require(TimelineEntry(json: written, on: claim), "an entry that is written can be read")
        try require(try again.json() == written, "an entry reads back the same")
    }
}
