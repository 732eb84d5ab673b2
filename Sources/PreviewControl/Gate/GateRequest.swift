public import PreviewDomain

/// What a caller of the gate asks for.
struct GateRequest: Sendable {
    let run: RunID
    let port: TargetPort
    let requester: String
    /// The sandbox as it was when the caller asked; what is approved is this pod and no other.
    let sandbox: BoundSandbox
    /// Which host the app is to see, where the caller says.
    let hostHeader: HostHeader?

    /// Whether asking again joins or uses this approval.
    func matches(_ approval: Approval) -> Bool {
        approval.isFor(run: run, port: port, podUID: sandbox.pod.uid, requester: requester)
    }

    /// Whether the approval is this caller's for a pod that is no more.
    func isOutlived(by approval: Approval) -> Bool {
        approval.isFor(run: run, port: port, requester: requester) && !matches(approval)
    }
}

/// Why a start may go ahead. It is used right before anything is created.
struct Permit: Sendable {
    enum Ground: Sendable {
        /// A human approved this request.
        case granted(ApprovalLedger.Entry)
        /// Nobody has to be asked; where the request waited already, that is its entry.
        case automatic(ApprovalGround, waiting: ApprovalLedger.Entry?)
    }

    let ground: Ground
    /// The claim on which the ground was found.
    let claim: ClaimRecord
}

/// What a start has written on the claim: it can be changed and taken back by this start alone.
struct UsedPermit: Sendable {
    let entry: ApprovalLedger.Entry
    let claim: ClaimIdentity
}

/// A request that waits for a decision.
struct WaitingRequest: Sendable {
    let entry: ApprovalLedger.Entry
    let claim: ClaimRecord
}

/// What the gate decides about a call at once.
public enum GateDecision: Sendable {
    /// A human has to decide; asking again, once approved, starts the preview.
    case pending(Approval)
    case started(StartedPreview)

    /// The preview, where there is one already.
    var started: StartedPreview? {
        if case .started(let preview) = self { preview } else { nil }
    }
}
