/// Why a request about previews was not granted, in words for whoever asked.
public struct PreviewError: Error, Hashable, CustomStringConvertible {
    /// What went wrong; each kind is one HTTP status of the API and one bounded metric label.
    public enum Kind: String, Sendable, CaseIterable {
        /// The request cannot be understood or asks for something outside the allowed range.
        case invalid
        /// No such preview of this run. Unknown, malformed and foreign tokens are deliberately not told apart.
        case previewNotFound = "preview_not_found"
        /// The caller may not do this to this run.
        case forbidden
        /// No such run, or none that this caller may know of.
        case runNotFound = "run_not_found"
        /// A human said no.
        case approvalDenied = "approval_denied"
        /// No human decided in time.
        case approvalTimedOut = "approval_timed_out"
        /// What was to be approved is no more: the sandbox's pod was replaced, or the claim went away.
        case approvalWithdrawn = "approval_withdrawn"
        /// The approval was used, and the preview that it became has ended or never came to be.
        case approvalUsed = "approval_used"
        /// The approval of that id waits for no decision any more.
        case noPendingApproval = "no_pending_approval"
        /// This run has no approval of that id.
        case approvalNotFound = "approval_not_found"
        /// The run no longer works, so nothing is approved or denied any more.
        case runOver = "run_over"
        /// The run has no sandbox pod to expose.
        case noSandbox = "no_sandbox"
        /// Previews are switched off by configuration.
        case disabled
        /// The run or the whole service has as many previews as it may.
        case limitReached = "limit_reached"
        /// The cluster could not be asked, or is too busy.
        case clusterUnavailable = "cluster_unavailable"
        /// The cluster refuses what it was asked: this service's identity, a quota, a webhook, a policy.
        case clusterRefused = "cluster_refused"
        /// The caller gave up, or this replica stops, before the request was carried out.
        case cancelled
        /// The reaper cannot do its job, so nothing new is exposed.
        case braked
    }

    public let kind: Kind
    /// What was wrong, what was expected, and what to do: a sentence or two without secrets.
    public let message: String
    /// When to try again, for kinds where that can help.
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { "\(kind.rawValue): \(message)" }

    /// The one answer to every token that is not a preview of the run.
    public static let previewNotFound = PreviewError(
        .previewNotFound,
        "This run has no such preview. It may have been stopped or have expired; list the run's previews or start a new one."
    )

    /// The answer to a request that the cluster did not let through.
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
            "The cluster did not carry out the request: \(error.detail). \(error.advice)",
            retryAfter: error.retryTime
        )
    }

    /// What a use case throws for any error that it met. What nobody foresaw is told without its text, which may hold a
    /// secret.
    init(meeting error: any Error) {
        switch error {
        case let error as PreviewError: self = error
        case let error as ClusterError: self.init(error)
        case is CancellationError: self = .cancelled
        default: self.init(ClusterError(.unavailable, "this service failed inside"))
        }
    }

    /// What becomes of a request whose caller gave up. As a rule nobody reads it.
    public static let cancelled = PreviewError(
        .cancelled,
        "The request was cancelled before it was carried out. Send it again.",
        retryAfter: .zero
    )

    /// What `Retry-After` says when the cluster itself named no time.
    static let defaultRetryAfter = ClusterError.usualRetry
}
