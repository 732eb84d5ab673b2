public import PreviewDomain

/// The annotations of claims and of the preview Gateway that contain approvals and grants, as read from the cluster.
public protocol ApprovalStore: Sendable {
    /// Reads the run's claim.
    ///
    /// - Returns: nil if there is none, it is being deleted, or it is not proven to be this run's.
    func claim(of run: RunID) async throws(ClusterError) -> ClaimRecord?

    /// Reads all claims that are proven to be the run's and are not being deleted, the one of ``claim(of:)`` first.
    func claims(of run: RunID) async throws(ClusterError) -> [ClaimRecord]

    /// Writes annotations of a claim, if the claim is unchanged since it was read.
    ///
    /// - Parameter annotations: The new texts; nil removes one.
    /// - Returns: The claim after the write, or nil if it had changed or no longer exists.
    func write(
        _ annotations: [String: String?],
        to claim: ClaimRecord
    ) async throws(ClusterError) -> ClaimRecord?

    /// Replaces annotations of a claim, all or none, if each still has its old text. An edit may also leave a text
    /// unchanged, as a condition of the others.
    ///
    /// If the response is lost, or says that a text had changed, the claim is read: if it has the new texts, this call
    /// wrote them, or one with the same meaning.
    ///
    /// - Returns: The claim after the write, or nil if a text had changed or the claim no longer exists.
    func replace(
        _ edits: [AnnotationEdit],
        of claim: ClaimIdentity
    ) async throws(ClusterError) -> ClaimRecord?

    /// Sets the auto-approve option of a claim.
    ///
    /// - Returns: The claim after the write, or nil if it no longer exists.
    func setAutoApprove(_ isOn: Bool, of claim: ClaimIdentity) async throws(ClusterError) -> ClaimRecord?

    /// Reads the standing grants for every run.
    func commonGrants() async throws(ClusterError) -> StandingGrants

    /// Adds a standing grant for every run, and keeps those that other writers add at the same time.
    func addCommonGrant(_ grant: StandingGrant) async throws(ClusterError)
}

/// A claim and its approvals.
public struct ClaimRecord: Hashable, Sendable {
    public let identity: ClaimIdentity
    /// The run that the platform wrote on the claim; nil if it wrote none.
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

/// Whether a claim with one of a run's claim names belongs to that run.
///
/// Of two proven claims, the first in the order of `RunID.claimNames` is the run's sandbox. A claim that is not proven,
/// or is being deleted, does not affect the other one.
public enum ClaimProof: Hashable, Sendable {
    case proven
    /// There is no evidence for or against it.
    case unproven
    case ofAnotherRun

    /// The claim's name contains only twelve or sixteen characters of the run ID. The run that the platform wrote on
    /// the claim must be the same; if it wrote none, twelve hexadecimal digits of a UUID are sufficient. A prefix of
    /// any other ID is not, since a user could choose an ID with the same prefix.
    ///
    /// - Parameter writtenRun: The run that the platform wrote on the claim; nil if it wrote none.
    public init(of run: RunID, writtenRun: String?) {
        if let writtenRun {
            self = (try? RunID(writtenRun)) == run ? .proven : .ofAnotherRun
        } else {
            self = run.isUUID ? .proven : .unproven
        }
    }
}
