public import PreviewDomain

/// Something that happened to a run's previews, for the people and programs that follow the run.
///
/// No token and no URL is in it: a preview is named by its token's fingerprint.
public struct TimelineEvent: Hashable, Sendable {
    /// What happened. The raw value is the name under which the platform knows it.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An approval waits for a human.
        case approvalRequired = "tool.approval_required"
        /// A standing grant or an option approved without asking anybody.
        case autoApproved = "tool.auto_approved"
        case approved = "preview.approved"
        case denied = "preview.denied"
        /// Nobody decided in time.
        case timedOut = "preview.timed_out"
        /// What was to be approved is no more.
        case withdrawn = "preview.withdrawn"
        case started = "preview.started"
        /// A preview serves whose callers were told that it does not.
        case ready = "preview.ready"
        /// The preview ends soon unless it is kept alive.
        case expiring = "preview.expiring"
        case stopped = "preview.stopped"
        case reaped = "preview.reaped"
    }

    public let kind: Kind
    public let run: RunID
    /// The claim on which the event is written down.
    public let claim: ClaimIdentity
    /// What tells this occurrence from others of its kind: an approval's request id, a preview's fingerprint, or one
    /// with a deadline. Replicas that report the same occurrence use the same subject.
    public let subject: String
    /// One or two sentences for a human.
    public let message: String
    /// Further members for programs, for example `requestId` or `reason`.
    public let details: [String: String]

    public init(
        _ kind: Kind,
        run: RunID,
        claim: ClaimIdentity,
        subject: String,
        message: String,
        details: [String: String] = [:]
    ) {
        self.kind = kind
        self.run = run
        self.claim = claim
        self.subject = subject
        self.message = message
        self.details = details
    }

    /// The same for everybody who reports the same occurrence, so that repeats can be dropped.
    public var id: String { "\(kind.rawValue)/\(subject)" }

    /// What happens only once, whatever it is called: a preview ends once, so of everybody who reports its end, however
    /// they came to know of it, only the first is written down.
    public var occurrence: String {
        switch kind {
        case .stopped, .reaped: "preview.ended/\(subject)"
        default: id
        }
    }
}
