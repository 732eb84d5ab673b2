internal import Basics

/// The rule for one label of a DNS name as Kubernetes has it (RFC 1123).
public enum DNSLabel {
    /// The most characters that a label may have (RFC 1035, section 2.3.4).
    static let maximumLength = 63

    /// Whether the bytes are a DNS-1123 label: 1 to 63 of `a-z`, `0-9` and `-`, no `-` at either end.
    public static func isValid(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last, bytes.count <= maximumLength else { return false }
        return first.isLowercaseAlphanumeric && last.isLowercaseAlphanumeric
            && bytes.allSatisfy { $0.isLowercaseAlphanumeric || $0 == UInt8(ascii: "-") }
    }
}

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

/// The annotations of a pod on which this service has set the per-run label (`PreviewLabel.run`).
public enum PodAnnotation {
    /// When it last did so, for a preview that was about to be created (RFC 3339).
    public static let labelledAt = "preview.agentweaver.dev/labelled-at"
    /// The label that it has set. It stays when the label is removed, as the proof that the pod belongs to that run.
    public static let labelledRun = "preview.agentweaver.dev/labelled-run"
}

/// What the platform writes on a run's SandboxClaim, as an annotation or a label.
public enum ClaimAnnotation {
    /// The id of the run.
    public static let runID = "agentweaver.dev/run-id"
    /// The user that owns the run.
    public static let runOwner = "agentweaver.dev/run-owner"
}
