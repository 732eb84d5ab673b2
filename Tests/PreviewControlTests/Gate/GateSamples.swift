import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// Values for the tests of the gate's machines: one request of one caller, and the states that it can reach.
struct GateSamples {
    static let start = Date(timeIntervalSince1970: 1_800_000_000)
    static let now = ClusterTimeReading(earliest: start, latest: start + .seconds(1))
    /// The time that a human has to decide, and then the caller to use the grant.
    static let window = Duration.seconds(300)
    private static let use = "use-1"
    private static let pod = PodIdentity(name: "pod-1", uid: "pod-uid")
    private static let identity = ClaimIdentity(name: ControlHarness.run.claimName, uid: "claim-uid")

    let request: GateRequest
    let pending: Approval
    let granted: Approval
    /// Used by a start that creates ``preview``.
    let used: Approval
    let preview: Preview
    let started: StartedPreview
    let ground = ApprovalGround(.setting, .setting)

    init() throws {
        let port = try #require(TargetPort(3000))
        let sandbox = BoundSandbox(claim: Self.identity, owner: nil, pod: Self.pod, selector: .perRunLabel)
        request = GateRequest(
            run: ControlHarness.run,
            port: port,
            requester: "agent",
            sandbox: sandbox,
            hostHeader: nil
        )
        pending = Approval(
            id: try #require(ApprovalRequestID(String(repeating: "a", count: 26))),
            run: ControlHarness.run,
            port: port,
            pod: Self.pod.name,
            podUID: Self.pod.uid,
            requester: "agent",
            requestedAt: Self.start,
            window: Self.window
        )
        granted = try #require(
            pending.after(.approve(scope: .once, by: "ada", at: Self.start, usableFor: Self.window))
        )
        let token = try #require(PreviewToken("swift-falcon-amber-\(String(repeating: "a", count: 26))"))
        used = try #require(granted.after(.use(Self.use, preview: token.fingerprint, at: Self.start)))
        preview = try #require(
            Preview(
                name: token.objectName,
                labels: PreviewLabel.labels(token: token, run: ControlHarness.run.label),
                annotations: [:],
                uid: "route-uid",
                resourceVersion: "1",
                createdAt: Self.start,
                isBeingDeleted: false
            )
        )
        started = StartedPreview(
            session: PreviewSession(
                token: token,
                targetPort: 3000,
                podName: nil,
                startedAt: Self.start,
                expiresAt: Self.start,
                maxUntil: Self.start,
                readiness: Readiness(.serving)
            ),
            provisioning: .zero,
            waiting: .zero,
            isNew: true
        )
    }

    var grantedEntry: ApprovalLedger.Entry { ApprovalLedger.Entry(written: granted) }
    var usedEntry: ApprovalLedger.Entry { ApprovalLedger.Entry(written: used) }
    var waiting: WaitingRequest {
        WaitingRequest(entry: ApprovalLedger.Entry(written: pending), claim: claim(pending))
    }

    /// The used grant after the step that shares its preview with another call.
    var shared: Approval { get throws { try #require(used.after(.share(use: Self.use))) } }

    func claim(_ approvals: Approval..., uid: String = identity.uid) -> ClaimRecord {
        let annotations = approvals.map { (ApprovalAnnotation.approval($0.id), $0.text) }
        return ClaimRecord(
            identity: ClaimIdentity(name: Self.identity.name, uid: uid),
            writtenRun: nil,
            resourceVersion: "1",
            ledger: ApprovalLedger(annotations: Dictionary(uniqueKeysWithValues: annotations))
        )
    }
}
