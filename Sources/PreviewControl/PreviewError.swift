/// The reason why a request about previews failed, in words for its caller.
public struct PreviewError: Error, Hashable, CustomStringConvertible {
    /// What went wrong; each kind is one HTTP status of the API and one bounded metric label.
    public enum Kind: String, Sendable, CaseIterable {
        /// The request cannot be understood or asks for something outside the allowed range.
        case invalid
        /// The run has no such preview. Unknown tokens, malformed tokens and tokens of other runs are deliberately not
        /// distinguished.
        case previewNotFound = "preview_not_found"
        /// The caller is not allowed to do this with this run.
        case forbidden
        /// There is no such run, or the caller may not know of it.
        case runNotFound = "run_not_found"
        /// A human denied the request.
        case approvalDenied = "approval_denied"
        /// No human decided in time.
        case approvalTimedOut = "approval_timed_out"
        /// The subject of the approval no longer exists: the sandbox's pod was replaced, or the claim was deleted.
        case approvalWithdrawn = "approval_withdrawn"
        /// The approval was used, and its preview has ended or was never created.
        case approvalUsed = "approval_used"
        /// The approval with that ID is no longer pending.
        case noPendingApproval = "no_pending_approval"
        /// This run has no approval with that ID.
        case approvalNotFound = "approval_not_found"
        /// The run has ended, so nothing is approved or denied any more.
        case runOver = "run_over"
        /// The run has no sandbox pod to expose.
        case noSandbox = "no_sandbox"
        /// Previews are disabled in the settings.
        case disabled
        /// The run, or the whole service, has reached its limit of previews.
        case limitReached = "limit_reached"
        /// The cluster cannot be reached, or is too busy.
        case clusterUnavailable = "cluster_unavailable"
        /// The cluster refused the request because of this service's identity, a quota, a webhook or a policy.
        case clusterRefused = "cluster_refused"
        /// The caller disconnected, or this replica shuts down, before the request was carried out.
        case cancelled
        /// The reaper cannot do its work, so no new previews are started.
        case braked
    }

    public let kind: Kind
    /// What was wrong, what was expected, and what to do: one or two sentences without secrets.
    public let message: String
    /// When to try again, for kinds for which this can help.
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { "\(kind.rawValue): \(message)" }

    /// The response to every token that is not a preview of the run.
    public static let previewNotFound = PreviewError(
        .previewNotFound,
        "This run has no such preview. It may have been stopped or have expired; list the run's previews or start a new one."
    )

    /// The error for a request that the cluster did not carry out.
    init(_ error: ClusterError) {
        let kind: Kind
        switch error.kind {
        case .cancelled:
            self = .cancelled
            return
        case .refused, .quotaExceeded, .webhookFailing, .webhookDenied, .policyDenied, .namespaceEnding, .rejected:
            kind = .clusterRefused
        case .unavailable, .busy, .alreadyExists:
            kind = .clusterUnavailable
        }
        self.init(
            kind,
            "The request to the cluster failed: \(error.detail). \(error.advice)",
            retryAfter: error.retryTime
        )
    }

    /// The error that a use case throws for any error that occurred. The text of an unexpected error is omitted,
    /// because it may contain a secret.
    init(mapping error: any Error) {
        switch error {
        case let error as PreviewError: self = error
        case let error as ClusterError: self.init(error)
        case is CancellationError: self = .cancelled
        default: self.init(ClusterError(.unavailable, "an internal error occurred"))
        }
    }

    /// The error of a request whose caller disconnected. It is usually not read.
    public static let cancelled = PreviewError(
        .cancelled,
        "The request was cancelled before it was completed. Send it again.",
        retryAfter: .zero
    )

    /// The value of `Retry-After` if the cluster named no time.
    static let defaultRetryAfter = ClusterError.usualRetry
}
