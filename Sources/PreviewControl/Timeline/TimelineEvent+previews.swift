internal import Basics
internal import FoundationEssentials
internal import PreviewDomain

/// What is told about single previews. `nil` for previews of the platform's earlier service: they do not say whose claim
/// they belong to.
extension TimelineEvent {
    /// Names of the members for programs.
    private enum Detail {
        static let fingerprint = "fingerprint"
        static let port = "port"
        static let expiresAt = "expiresAt"
        static let maxUntil = "maxUntil"
        static let reason = "reason"
        static let extendable = "extendable"
    }

    static func started(_ preview: Preview, policy: LifetimePolicy) -> TimelineEvent? {
        let expiry = RFC3339.string(preview.deadline(policy: policy))
        let end = RFC3339.string(preview.effectiveMaxUntil(policy: policy))
        return TimelineEvent(
            .started,
            preview,
            message:
                "\(preview.words) was started. It ends at \(expiry) unless it is kept alive, and at \(end) in any case.",
            details: [Detail.expiresAt: expiry, Detail.maxUntil: end]
        )
    }

    /// The preview serves now, after somebody was told that it does not.
    static func ready(_ preview: Preview) -> TimelineEvent? {
        TimelineEvent(.ready, preview, message: "\(preview.words) works now.")
    }

    /// - Parameter deadline: When the preview ends. A later deadline, after a keepalive, is another occurrence.
    static func expiring(_ preview: Preview, at deadline: Date, policy: LifetimePolicy) -> TimelineEvent? {
        let end = preview.effectiveMaxUntil(policy: policy)
        let canBeExtended = deadline < end
        let run = preview.runID?.text ?? ""
        let advice =
            canBeExtended
            ? """
            To keep it, use it in the front end, or send POST /api/runs/\(run)/sandbox/preview/{session_id}/keepalive.
            """
            : "That is its longest lifetime, so it cannot be extended. Start a new one then."
        let deadline = RFC3339.string(deadline)
        return TimelineEvent(
            .expiring,
            preview,
            occasion: deadline,
            message: "\(preview.words) ends at \(deadline). \(advice)",
            details: [
                Detail.expiresAt: deadline, Detail.maxUntil: RFC3339.string(end),
                Detail.extendable: "\(canBeExtended)",
            ]
        )
    }

    static func stopped(_ preview: Preview) -> TimelineEvent? {
        TimelineEvent(.stopped, preview, message: "\(preview.words) was stopped.")
    }

    /// The preview's objects went away without anybody's having told.
    static func deleted(_ preview: Preview) -> TimelineEvent? {
        TimelineEvent(
            .stopped,
            preview,
            message: "\(preview.words) ended because its objects were deleted in the cluster.",
            details: [Detail.reason: "deleted"]
        )
    }

    static func reaped(_ preview: Preview, for reason: ReapReason) -> TimelineEvent? {
        TimelineEvent(
            .reaped,
            preview,
            message: "\(preview.words) ended because \(reason.words).",
            details: [Detail.reason: reason.rawValue]
        )
    }

    /// - Parameter occasion: Tells one of several events of this kind about the same preview from the others.
    private init?(
        _ kind: Kind,
        _ preview: Preview,
        occasion: String? = nil,
        message: String,
        details: [String: String] = [:]
    ) {
        guard let run = preview.runID, let claim = preview.claim else { return nil }
        var details = details
        details[Detail.fingerprint] = preview.token.fingerprint
        details[Detail.port] = preview.targetPort.map { "\($0)" }
        self.init(
            kind,
            run: run,
            claim: claim,
            subject: ([preview.token.fingerprint] + (occasion.map { [$0] } ?? [])).joined(separator: "/"),
            message: message,
            details: details
        )
    }
}

extension Preview {
    fileprivate var words: String { targetPort.map { "The preview of port \($0)" } ?? "A preview" }
}

extension ReapReason {
    fileprivate var words: String {
        switch self {
        case .podGone: "the sandbox's pod is gone"
        case .hardCap: "it reached its longest lifetime"
        case .idle: "nobody kept it alive"
        case .orphan: "half of it was missing in the cluster"
        case .claimGone: "its run is over"
        }
    }
}
