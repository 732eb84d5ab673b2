public import FoundationEssentials

/// All information about approvals in a claim's annotations.
///
/// Reading is lenient: an invalid approval is ignored, and removed when the next request needs room.
public struct ApprovalLedger: Hashable, Sendable {
    /// An approval and the text from which it was read, which the next transition has to find unchanged.
    public struct Entry: Hashable, Sendable {
        public let approval: Approval
        public let text: String

        init(approval: Approval, text: String) {
            self.approval = approval
            self.text = text
        }

        /// An approval that was just written.
        public init(written approval: Approval) {
            self.init(approval: approval, text: approval.text)
        }

        var key: String { ApprovalAnnotation.approval(approval.id) }

        /// The edit that makes a transition of the approval.
        public func edit(to next: Approval) -> AnnotationEdit {
            AnnotationEdit(key: key, old: text, new: next.text)
        }
    }

    /// The largest number of approvals on one claim.
    public static let maxApprovals = 16

    /// The oldest request first.
    public let entries: [Entry]
    public let grants: StandingGrants
    /// Whether the run's own option approves every request.
    public let approvesAutomatically: Bool
    private let grantsText: String?
    private let autoApproveText: String?
    /// Annotations with an approval's key that are not valid.
    private let unreadable: [String]

    /// - Parameter annotations: The annotations of the claim; those that contain no approval are ignored.
    public init(annotations: [String: String]) {
        var entries: [Entry] = []
        var unreadable: [String] = []
        for (key, text) in annotations {
            guard let suffix = ApprovalAnnotation.requestID(in: key) else { continue }
            if let id = ApprovalRequestID(String(suffix)), let approval = Approval(id: id, text: text) {
                entries.append(Entry(approval: approval, text: text))
            } else {
                unreadable.append(key)
            }
        }
        self.entries = entries.sorted {
            ($0.approval.requestedAt, $0.approval.id.text) < ($1.approval.requestedAt, $1.approval.id.text)
        }
        self.unreadable = unreadable.sorted()
        grantsText = annotations[ApprovalAnnotation.grants]
        grants = StandingGrants(text: grantsText)
        autoApproveText = annotations[ApprovalAnnotation.autoApprove]
        approvesAutomatically = autoApproveText == "true"
    }

    public func entry(_ id: ApprovalRequestID) -> Entry? {
        entries.first { $0.approval.id == id }
    }

    /// The text of one of the annotations of ``ApprovalAnnotation``; nil if it is missing or invalid.
    public func text(of key: String) -> String? {
        switch key {
        case ApprovalAnnotation.grants: grantsText
        case ApprovalAnnotation.autoApprove: autoApproveText
        default: entries.first { $0.key == key }?.text
        }
    }

    /// The condition that one of these annotations is unchanged; nil if there is none.
    public func unchanged(_ key: String) -> AnnotationEdit? {
        text(of: key).map { AnnotationEdit(key: key, unchanged: $0) }
    }

    /// Whether one of the approvals waits for a decision.
    public var hasPendingRequest: Bool { entries.contains { $0.approval.state == .pending } }

    /// The first instant at which one of the approvals expires.
    public var nextExpiry: Date? { entries.compactMap(\.approval.expiry).min() }

    /// The edit that adds a standing grant.
    public func edit(adding grant: StandingGrant) -> AnnotationEdit {
        var grants = grants
        grants.add(grant)
        return AnnotationEdit(key: ApprovalAnnotation.grants, old: grantsText, new: grants.text)
    }

    /// The edits that add a new approval to the claim: the approval itself, and the removals that keep the claim small.
    /// Decided approvals are removed first, the oldest before the others, and last those by which a preview is found.
    ///
    /// - Parameter steps: Transitions of other approvals in the same write.
    /// - Returns: nil if the claim is full of approvals that are still open.
    public func annotations(
        adding approval: Approval,
        steps: [Approval] = []
    ) -> [String: String?]? {
        var changes: [String: String?] = [ApprovalAnnotation.approval(approval.id): approval.text]
        for key in unreadable { changes.updateValue(nil, forKey: key) }
        let stepped = Dictionary(steps.map { ($0.id, $0) }) { _, last in last }
        var excess = entries.count + 1 - Self.maxApprovals
        var over: [(key: String, next: Approval)] = []
        for entry in entries {
            let next = stepped[entry.approval.id] ?? entry.approval
            if next != entry.approval { changes[entry.key] = next.text }
            if next.isFinal { over.append((entry.key, next)) }
        }
        let used = over.filter { $0.next.state == .consumed }
        for (key, _) in over.filter({ $0.next.state != .consumed }) + used where excess > 0 {
            changes.updateValue(nil, forKey: key)
            excess -= 1
        }
        return excess > 0 ? nil : changes
    }
}
