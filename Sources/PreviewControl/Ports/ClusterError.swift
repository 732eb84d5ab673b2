/// The reason why the cluster did not carry out a request.
///
/// All layers above the cluster distinguish only these cases. The detail is for logs and for the caller's error
/// message, so it never contains an object's name: the name of a preview's object contains its token.
public struct ClusterError: Error, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// The API server cannot be reached, or has an internal error. Trying again later may help.
        case unavailable
        /// The API server is overloaded, or has just started (429, 503 with `Retry-After`).
        case busy
        /// The API server refuses this service's identity: its credentials or its RBAC rules need an operator.
        case refused
        /// The namespace's resource quota is exhausted.
        case quotaExceeded = "quota_exceeded"
        /// A required admission webhook does not answer.
        case webhookFailing = "webhook_failing"
        /// An admission webhook refuses the request.
        case webhookDenied = "webhook_denied"
        /// Another admission plugin refuses the request, for example a ValidatingAdmissionPolicy.
        case policyDenied = "policy_denied"
        /// The namespace is being deleted.
        case namespaceEnding = "namespace_ending"
        /// The API server rejects the object itself, or does not know its kind or namespace.
        case rejected
        /// An object of that name already exists.
        case alreadyExists = "already_exists"
        /// The caller disconnected before there was a response. This is not an error of the cluster.
        case cancelled
    }

    public let kind: Kind
    /// One sentence without object names or secrets.
    public let detail: String
    /// The wait that the API server requested.
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ detail: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.detail = detail
        self.retryAfter = retryAfter
    }

    public var description: String { "\(kind.rawValue): \(detail)" }
}

extension ClusterError {
    /// Whether the same request may succeed after a while without anyone's action.
    public var isTemporary: Bool {
        switch kind {
        case .unavailable, .busy, .webhookFailing, .cancelled: true
        case .refused, .quotaExceeded, .webhookDenied, .policyDenied, .namespaceEnding, .rejected, .alreadyExists: false
        }
    }

    /// What to do: one or two sentences that say whether trying again can help.
    public var advice: String {
        switch kind {
        case .unavailable, .busy, .cancelled: "Try again shortly."
        case .refused:
            "An operator must check the credentials and RBAC rules of this service; trying again does not help."
        case .quotaExceeded:
            "Stop a preview that is not needed, or ask an operator to raise the namespace's quota; then try again."
        case .webhookFailing: "Try again shortly; if the error persists, an operator must check the cluster's webhooks."
        case .webhookDenied, .policyDenied:
            "An operator must allow it (the reason is in this service's log); trying again does not help."
        case .namespaceEnding: "An operator must create the namespace again; trying again does not help until then."
        case .rejected:
            "An operator must check the installation of this service (the reason is in its log); trying again does not help."
        case .alreadyExists: "Try again."
        }
    }

    /// When to try again: the API server's value, or a default; `nil` if that cannot help.
    public var retryTime: Duration? {
        switch kind {
        case .unavailable, .busy, .alreadyExists, .cancelled: retryAfter ?? Self.usualRetry
        case .webhookFailing: retryAfter ?? Self.webhookRetry
        case .quotaExceeded: retryAfter ?? Self.quotaRetry
        case .refused, .webhookDenied, .policyDenied, .namespaceEnding, .rejected: nil
        }
    }

    /// When to try again if the cluster names no time.
    static let usualRetry = Duration.seconds(5)
    /// The same for a webhook: usually its server has to be restarted.
    static let webhookRetry = Duration.seconds(15)
    /// The same for a quota: a preview has to end first.
    static let quotaRetry = Duration.seconds(60)
}
