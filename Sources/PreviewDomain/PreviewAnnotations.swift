internal import Basics
public import FoundationEssentials

/// The annotations of a preview's HTTPRoute: the whole state of the preview.
public struct PreviewAnnotations: Hashable, Sendable {
    /// The annotations' names.
    public enum Key {
        /// The common prefix.
        public static let prefix = "agentweaver.dev/preview-"
        /// When the preview expires unless it is kept alive (RFC 3339).
        public static let expiresAt = "agentweaver.dev/preview-expires-at"
        /// When the preview ends in any case (RFC 3339).
        public static let maxUntil = "agentweaver.dev/preview-max-until"
        /// The per-run label.
        public static let run = "agentweaver.dev/preview-run"
        /// The run ID as its callers write it; it cannot be derived from the label above.
        public static let runID = "agentweaver.dev/preview-run-id"
        /// The UID of the run's SandboxClaim.
        public static let claimUID = "agentweaver.dev/preview-claim-uid"
        /// The name of that claim; not written if it is the usual one, `RunID.claimName`.
        public static let claim = "agentweaver.dev/preview-claim"
        /// The token. A secret.
        public static let token = "agentweaver.dev/preview-token"
        /// The user that owns the run.
        public static let owner = "agentweaver.dev/preview-owner"
        /// The name of the pod.
        public static let pod = "agentweaver.dev/preview-pod"
        /// The UID of the pod.
        public static let podUID = "agentweaver.dev/preview-pod-uid"
        /// The port in the pod.
        public static let targetPort = "agentweaver.dev/preview-target-port"
        /// Which host the app sees: `preserve` or `localhost`.
        public static let hostHeader = "agentweaver.dev/preview-host-header"
        /// When the preview was started (RFC 3339).
        public static let startedAt = "agentweaver.dev/preview-started-at"
    }

    /// When the preview expires unless it is kept alive.
    public var expiresAt: Date
    /// When the preview ends in any case.
    public var maxUntil: Date
    /// The run that the preview belongs to.
    public var runID: RunID
    /// The UID of the run's claim: a claim of the same name that is created later is a different one.
    public var claimUID: String
    /// The name of that claim.
    public var claimName: String
    /// The preview's token.
    public var token: PreviewToken
    /// The user that owns the run.
    public var owner: String
    /// The name of the pod that the preview shows.
    public var pod: String
    /// The UID of that pod: a pod of the same name that is created later is a different one.
    public var podUID: String
    /// The port in the pod that the preview shows.
    public var targetPort: Int
    /// When the preview was started.
    public var startedAt: Date

    /// The per-run label.
    public var run: RunLabel { runID.label }

    /// Creates the annotations.
    ///
    /// - Parameter claimName: The name of the run's claim; the usual one if `nil`.
    public init(
        expiresAt: Date,
        maxUntil: Date,
        runID: RunID,
        claimUID: String,
        claimName: String? = nil,
        token: PreviewToken,
        owner: String,
        pod: String,
        podUID: String,
        targetPort: Int,
        startedAt: Date
    ) {
        self.expiresAt = expiresAt
        self.maxUntil = maxUntil
        self.runID = runID
        self.claimUID = claimUID
        self.claimName = claimName ?? runID.claimName
        self.token = token
        self.owner = owner
        self.pod = pod
        self.podUID = podUID
        self.targetPort = targetPort
        self.startedAt = startedAt
    }

    /// The annotations as they are written. Contains the secret.
    public func encoded() -> [String: String] {
        var annotations = [
            Key.expiresAt: RFC3339.string(expiresAt),
            Key.maxUntil: RFC3339.string(maxUntil),
            Key.run: run.text,
            Key.runID: runID.text,
            Key.claimUID: claimUID,
            Key.token: token.text,
            Key.owner: owner,
            Key.pod: pod,
            Key.podUID: podUID,
            Key.targetPort: String(targetPort),
            Key.startedAt: RFC3339.string(startedAt),
        ]
        if claimName != runID.claimName { annotations[Key.claim] = claimName }
        return annotations
    }
}
