public import PreviewDomain
internal import Synchronization

/// A request of a caller of the gate.
struct GateRequest: Sendable {
    let run: RunID
    let port: TargetPort
    let requester: String
    /// The sandbox at the time of the request; the approval is for this pod only.
    let sandbox: BoundSandbox
    /// The host that the app receives, if the caller specifies one.
    let hostHeader: HostHeader?

    /// Whether repeating the request joins or uses this approval.
    func matches(_ approval: Approval) -> Bool {
        approval.isFor(run: run, port: port, podUID: sandbox.pod.uid, requester: requester)
    }

    /// Whether the approval is this caller's, for a pod that no longer exists.
    func isOutlived(by approval: Approval) -> Bool {
        approval.isFor(run: run, port: port, requester: requester) && !matches(approval)
    }
}

/// The reason why a start may proceed. It is used right before anything is created.
struct Permit: Sendable {
    enum Ground: Sendable {
        /// A human approved this request.
        case granted(ApprovalLedger.Entry)
        /// No human has to decide; if the request was already pending, this is its entry.
        case automatic(ApprovalGround, waiting: ApprovalLedger.Entry?)
    }

    let ground: Ground
    /// The claim on which the ground was found.
    let claim: ClaimRecord
}

/// The record of a start on the claim: only this start can change it and remove it.
struct UsedPermit: Sendable {
    let entry: ApprovalLedger.Entry
    let claim: ClaimIdentity
}

/// A request that is pending.
struct WaitingRequest: Sendable {
    let entry: ApprovalLedger.Entry
    let claim: ClaimRecord
}

/// The immediate decision of the gate about a call.
public enum GateDecision: Sendable {
    /// A human has to decide; repeating the request after the approval starts the preview.
    case pending(Approval)
    case started(StartedPreview)

    /// The preview, if it already exists.
    var started: StartedPreview? {
        if case .started(let preview) = self { preview } else { nil }
    }
}

/// The starts behind the gate that this replica is carrying out, by the names of their uses.
///
/// A call that waits for the preview of such a start is notified of its end. The results of other replicas' starts are
/// read from the cluster at intervals.
final class StartsInProgress: Sendable {
    private let state = Mutex<[String: [Int: AsyncStream<Void>.Continuation]]>([:])

    func begin(_ use: String) {
        state.withLock { $0[use] = [:] }
    }

    func end(_ use: String) {
        let waiters = state.withLock { $0.removeValue(forKey: use) } ?? [:]
        for waiter in waiters.values { waiter.finish() }
    }

    /// A stream without elements that ends with the start; nil if this replica carries out no such start.
    ///
    /// Obtain it before looking for the start's result, and wait for it afterwards.
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
