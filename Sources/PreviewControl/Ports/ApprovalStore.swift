public import PreviewDomain

/// The annotations of claims and of the preview Gateway in which approvals and grants live, as the cluster has them
/// right now.
public protocol ApprovalStore: Sendable {
    /// Reads the run's claim.
    ///
    /// - Returns: nil when there is none, it is being deleted, or it is not proven to be this run's.
    func claim(of run: RunID) async throws(ClusterError) -> ClaimRecord?

    /// Writes annotations of a claim, provided that nobody has changed the claim since it was read.
    ///
    /// - Parameter annotations: The new texts; nil removes one.
    /// - Returns: The claim afterwards, or nil when it had changed or is gone.
    func write(
        _ annotations: [String: String?],
        to claim: ClaimRecord
    ) async throws(ClusterError) -> ClaimRecord?

    /// Replaces annotations of a claim, all or none, provided that each still has its old text. An edit may also change
    /// nothing, as a condition of the others.
    ///
    /// When the answer is lost, or says that a text was another one, the claim is read: texts that are the new ones
    /// were written by this call, or by one that meant exactly the same.
    ///
    /// - Returns: The claim afterwards, or nil when a text was another one or the claim is gone.
    func replace(
        _ edits: [AnnotationEdit],
        of claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord?

    /// Switches the option of a claim by which every request is granted.
    ///
    /// - Returns: The claim afterwards, or nil when it is gone.
    func setAutoApprove(_ isOn: Bool, of claim: ClaimIdentity) async throws(ClusterError) -> ClaimRecord?

    /// Reads the standing grants for every run.
    func commonGrants() async throws(ClusterError) -> StandingGrants

    /// Adds a standing grant for every run, beside those that others add at the same time.
    func addCommonGrant(_ grant: StandingGrant) async throws(ClusterError)
}

/// A claim and what it says about approvals.
public struct ClaimRecord: Hashable, Sendable {
    public let identity: ClaimIdentity
    /// The run that the platform wrote on the claim; nil where it wrote none.
    public var writtenRun: String? { compactRun?.text }
    public let resourceVersion: String
    public let ledger: ApprovalLedger
    private let compactRun: CompactText?

    public init(identity: ClaimIdentity, writtenRun: String?, resourceVersion: String, ledger: ApprovalLedger) {
        self.identity = identity
        compactRun = writtenRun.map(CompactText.init)
        self.resourceVersion = resourceVersion
        self.ledger = ledger
    }

    /// Whether the claim is proven to be the run's.
    public func belongs(to run: RunID) -> Bool {
        run.claimNames.contains(identity.name) && ClaimProof(of: run, writtenRun: writtenRun) == .proven
    }
}

/// Whether a claim that has one of a run's claim names is that run's.
///
/// Of two claims that are proven, the first in the order of `RunID.claimNames` is the run's sandbox. One that is not
/// proven, or is being deleted, does not stand in the way of the other.
public enum ClaimProof: Hashable, Sendable {
    case proven
    /// Nothing says that it is not, and nothing that it is.
    case unproven
    case ofAnotherRun

    /// The claim's name holds only twelve or sixteen characters of the run id. What the platform wrote on the claim must say the
    /// same run; where it wrote nothing, twelve hexadecimal digits of a UUID are enough, and a prefix of any other id
    /// is not, since anybody could choose an id that begins alike.
    ///
    /// - Parameter writtenRun: The run that the platform wrote on the claim; nil where it wrote none.
    public init(of run: RunID, writtenRun: String?) {
        if let writtenRun {
            self = (try? RunID(writtenRun)) == run ? .proven : .ofAnotherRun
        } else {
            self = run.isUUID ? .proven : .unproven
        }
    }
}
