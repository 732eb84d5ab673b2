public import PreviewDomain

/// Finds the pod of a run.
public protocol SandboxDirectory: Sendable {
    /// Follows the run's SandboxClaim to its Sandbox and its pod, and proves that the three belong together.
    ///
    /// - Throws: ``PreviewError`` of kind ``PreviewError/Kind/noSandbox`` if the run has no bound, running pod, and
    ///   ``ClusterError`` if the cluster could not be read.
    func sandbox(of run: RunID) async throws -> BoundSandbox

    /// Finds only the run's SandboxClaim, ready or not, and proves that it belongs to the run.
    ///
    /// - Throws: Same as ``sandbox(of:)``.
    func claim(of run: RunID) async throws -> ClaimIdentity

    /// The same claim in this replica's copy of the cluster; nil if the copy has none, or is not up to date. It sends no
    /// request.
    func cachedClaim(of run: RunID) async -> ClaimIdentity?
}

/// A run's pod, proven to be bound to the run's claim.
public struct BoundSandbox: Hashable, Sendable {
    public let claim: ClaimIdentity
    /// The owner that the platform wrote on the claim, if it did.
    public let owner: String?
    public let pod: PodIdentity
    /// Labels that select this pod and no pod of another run.
    public let selector: PodSelector

    public init(claim: ClaimIdentity, owner: String?, pod: PodIdentity, selector: PodSelector) {
        self.claim = claim
        self.owner = owner
        self.pod = pod
        self.selector = selector
    }
}

/// One incarnation of a run's SandboxClaim.
public struct ClaimIdentity: Hashable, Sendable {
    public let name: String
    public var uid: String { compactUID.text }
    /// The UID as it is compared.
    let compactUID: CompactText

    public init(name: String, uid: String) {
        self.name = name
        compactUID = CompactText(uid)
    }
}

extension Preview {
    /// The run's claim when the preview was started; `nil` if the route does not name it.
    var claim: ClaimIdentity? {
        guard let runID, let claimUID else { return nil }
        return ClaimIdentity(name: claimName ?? runID.claimName, uid: claimUID)
    }
}

/// How a preview's Service selects its pod.
public enum PodSelector: Hashable, Sendable {
    /// By labels that agent-sandbox put on the pod.
    case existing([String: String])
    /// By the per-run label and the pod's UID as a label, both of which the start has to set on the pod first.
    case perRunLabel
}

/// One incarnation of a pod.
public struct PodIdentity: Hashable, Sendable {
    public let name: String
    public var uid: String { compactUID.text }
    /// The UID as it is compared.
    let compactUID: CompactText

    public init(name: String, uid: String) {
        self.name = name
        compactUID = CompactText(uid)
    }
}
