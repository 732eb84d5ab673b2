/// The labels that agent-sandbox puts on pods.
public enum ClusterLabel {
    /// On a sandbox's pod: the UID of the claim that it is bound to.
    public static let claimUID = "agents.x-k8s.io/claim-uid"
    /// On a sandbox's pod: a hash of the Sandbox's name.
    public static let sandboxNameHash = "agents.x-k8s.io/sandbox-name-hash"
}

/// The annotations of agent-sandbox's Sandbox objects.
public enum SandboxAnnotation {
    /// The name of the Sandbox's pod; without it the pod has the Sandbox's own name.
    public static let podName = "agents.x-k8s.io/pod-name"
}

/// The annotation of a pod on which this service has put the per-run label (`PreviewLabel.run`).
public enum PodAnnotation {
    /// When it last did, for a preview that was about to be made (RFC 3339).
    public static let labelledAt = "preview.agentweaver.dev/labelled-at"
    /// The label that it has put there. It stays when the label is taken off, as the proof that the pod is that run's.
    public static let labelledRun = "preview.agentweaver.dev/labelled-run"
}

/// What the platform writes on a run's SandboxClaim, as an annotation or a label.
public enum ClaimAnnotation {
    /// The id of the run.
    public static let runID = "agentweaver.dev/run-id"
    /// The user that owns the run.
    public static let runOwner = "agentweaver.dev/run-owner"
}
