public import PreviewDomain

/// Finds the pod in which a run works.
public protocol SandboxDirectory: Sendable {
    /// Follows the run's SandboxClaim to its Sandbox and its pod, and proves that the three belong together.
    ///
    /// - Throws: ``PreviewError`` of kind ``PreviewError/Kind/noSandbox`` when the run has no bound, running pod, and
    ///   ``ClusterError`` when the cluster could not be asked.
    func sandbox(of run: RunID) async throws -> BoundSandbox

    /// Finds the run's SandboxClaim alone, ready or not, and proves that it is the run's.
    ///
    /// - Throws: As ``sandbox(of:)``.
    func claim(of run: RunID) async throws -> ClaimIdentity
}

/// A run's pod, proven to be bound to the run's claim.
public struct BoundSandbox: Hashable, Sendable {
    public let claim: ClaimIdentity
    /// The owner that the platform wrote on the claim, where it did.
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
    /// The run's claim when the preview was started; `nil` where the route does not say.
    var claim: ClaimIdentity? {
        guard let runID, let claimUID else { return nil }
        return ClaimIdentity(name: claimName ?? runID.claimName, uid: claimUID)
    }
}

/// How a preview's Service selects its pod.
public enum PodSelector: Hashable, Sendable {
    /// By labels that agent-sandbox put on the pod.
    case existing([String: String])
    /// By the per-run label, which the start has to put on the pod first.
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
