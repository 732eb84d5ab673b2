public import PreviewDomain
internal import Synchronization

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

/// The starts behind the gate that this replica carries out right now, by the names of their uses.
///
/// Whoever waits for the preview of such a start learns of its end at once. What starts of other replicas have made is
/// looked for in the cluster now and then.
final class StartsUnderWay: Sendable {
    private let state = Mutex<[String: [Int: AsyncStream<Void>.Continuation]]>([:])

    func begin(_ use: String) {
        state.withLock { $0[use] = [:] }
    }

    func end(_ use: String) {
        let waiters = state.withLock { $0.removeValue(forKey: use) } ?? [:]
        for waiter in waiters.values { waiter.finish() }
    }

    /// A stream without elements that ends with the start; nil where this replica carries out no such start.
    ///
    /// It is to be taken before one looks for what the start makes, and waited for afterwards.
    func end(of use: String) -> AsyncStream<Void>? {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let id: Int? = state.withLock { starts in
            guard let waiters = starts[use] else { return nil }
            let id = (waiters.keys.max() ?? 0) + 1
            starts[use]?[id] = continuation
            return id
        }
        guard let id else { return nil }
        continuation.onTermination = { [weak self] _ in self?.forget(id, of: use) }
        return stream
    }

    private func forget(_ id: Int, of use: String) {
        state.withLock { $0[use]?[id] = nil }
    }
}
