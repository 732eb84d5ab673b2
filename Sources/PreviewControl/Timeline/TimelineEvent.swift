internal import Basics
public import FoundationEssentials
public import PreviewDomain

/// An event of a run's previews, for the people and programs that follow the run.
///
/// It contains no token and no URL: a preview is named by its token's fingerprint.
public struct TimelineEvent: Hashable, Sendable {
    /// The type of the event. The raw value is its name on the platform.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// An approval waits for a human's decision.
        case approvalRequired = "tool.approval_required"
        /// A standing grant or an option approved a request automatically.
        case autoApproved = "tool.auto_approved"
        case approved = "preview.approved"
        case denied = "preview.denied"
        /// No decision was made in time.
        case timedOut = "preview.timed_out"
        /// The subject of the approval no longer exists.
        case withdrawn = "preview.withdrawn"
        case started = "preview.started"
        /// A preview serves after callers were told that it does not.
        case ready = "preview.ready"
        /// The preview ends soon unless it is kept alive.
        case expiring = "preview.expiring"
        case stopped = "preview.stopped"
        case reaped = "preview.reaped"
    }

    public let kind: Kind
    public let run: RunID
    /// The claim on which the event is written.
    public let claim: ClaimIdentity
    /// Identifies this occurrence among others of its kind: an approval's request ID, a preview's fingerprint, or a
    /// fingerprint with a deadline. Replicas that report the same occurrence use the same subject.
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

    /// Equal for all reports of the same occurrence, so that repetitions can be dropped.
    public var id: String { "\(kind.rawValue)/\(subject)" }

    /// Equal for all events that can happen only once, whatever their kind: a preview ends once, so only the first
    /// report of its end is written.
    public var occurrence: String {
        switch kind {
        case .stopped, .reaped: "preview.ended/\(subject)"
        default: id
        }
    }
}

/// The events of single previews. `nil` for previews of the platform's older service: they do not name the claim to
/// which they belong.
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
                "\(preview.displayName) was started. It ends at \(expiry) unless it is kept alive, and at \(end) in any case.",
            details: [Detail.expiresAt: expiry, Detail.maxUntil: end]
        )
    }

    /// The preview serves now, after a caller was told that it does not.
    static func ready(_ preview: Preview) -> TimelineEvent? {
        TimelineEvent(.ready, preview, message: "\(preview.displayName) works now.")
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
            message: "\(preview.displayName) ends at \(deadline). \(advice)",
            details: [
                Detail.expiresAt: deadline, Detail.maxUntil: RFC3339.string(end),
                Detail.extendable: "\(canBeExtended)",
            ]
        )
    }

    static func stopped(_ preview: Preview) -> TimelineEvent? {
        TimelineEvent(.stopped, preview, message: "\(preview.displayName) was stopped.")
    }

    /// The preview's objects were deleted without a report.
    static func deleted(_ preview: Preview) -> TimelineEvent? {
        TimelineEvent(
            .stopped,
            preview,
            message: "\(preview.displayName) ended because its objects were deleted in the cluster.",
            details: [Detail.reason: "deleted"]
        )
    }

    static func reaped(_ preview: Preview, for reason: ReapReason) -> TimelineEvent? {
        TimelineEvent(
            .reaped,
            preview,
            message: "\(preview.displayName) ended because \(reason.explanation).",
            details: [Detail.reason: reason.rawValue]
        )
    }

    /// - Parameter occasion: Distinguishes several events of this kind about the same preview.
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
    fileprivate var displayName: String { targetPort.map { "The preview of port \($0)" } ?? "A preview" }
}

extension ReapReason {
    fileprivate var explanation: String {
        switch self {
        case .podGone: "the sandbox's pod is gone"
        case .hardCap: "it reached its longest lifetime"
        case .idle: "it received no keepalives"
        case .orphan: "its HTTPRoute or Service was missing in the cluster"
        case .claimGone: "its run has ended"
        }
    }
}

/// A ``TimelineEvent`` with its time.
public struct TimelineEntry: Hashable, Sendable {
    public let event: TimelineEvent
    /// By the API server's clock.
    public let time: Date

    public init(_ event: TimelineEvent, at time: Date) {
        self.event = event
        self.time = time
    }
}

extension TimelineEntry {
    /// The members of every event. They take precedence over a detail of the same name.
    private enum Member {
        static let type = "type"
        static let id = "id"
        static let run = "run_id"
        static let time = "time"
        static let message = "message"
        static let all = [type, id, run, time, message]
    }

    /// The event in the platform's format: one JSON object on one line, whose members are all strings.
    public func json() throws -> [UInt8] {
        var members = event.details
        members[Member.type] = event.kind.rawValue
        members[Member.id] = event.id
        members[Member.run] = event.run.text
        members[Member.time] = RFC3339.string(time)
        members[Member.message] = event.message
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(members))
    }

    /// Reads an event that ``json()`` wrote.
    ///
    /// - Parameter claim: The claim on which it was found.
    /// - Returns: `nil` for anything else, and for kinds that this version does not know.
    public init?(json: some Sequence<UInt8>, on claim: ClaimIdentity) {
        guard let members = try? JSONDecoder().decode([String: String].self, from: Data(json)),
            let kind = members[Member.type].flatMap(TimelineEvent.Kind.init),
            let id = members[Member.id], id.hasPrefix("\(kind.rawValue)/"),
            let run = members[Member.run].flatMap({ try? RunID($0) }),
            let time = members[Member.time].flatMap(RFC3339.date),
            let message = members[Member.message]
        else { return nil }
        self.init(
            TimelineEvent(
                kind,
                run: run,
                claim: claim,
                subject: String(id.dropFirst(kind.rawValue.count + 1)),
                message: message,
                details: members.filter { !Member.all.contains($0.key) }
            ),
            at: time
        )
    }
}
