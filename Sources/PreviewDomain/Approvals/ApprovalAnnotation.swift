/// The annotations that contain approvals.
public enum ApprovalAnnotation {
    /// On a claim or a Gateway: the standing grants.
    public static let grants = "preview.agentweaver.dev/grants"
    /// On a claim: `true` if every request of the run is approved automatically.
    public static let autoApprove = "preview.agentweaver.dev/auto-approve"

    private static let approvalPrefix = "preview.agentweaver.dev/approval."

    /// On a claim: one request.
    public static func approval(_ id: ApprovalRequestID) -> String { approvalPrefix + id.text }

    /// The end of an approval's key; nil for every other key.
    static func requestID(in key: String) -> Substring? {
        key.hasPrefix(approvalPrefix) ? key.dropFirst(approvalPrefix.count) : nil
    }
}

/// The replacement of one annotation's text.
public struct AnnotationEdit: Hashable, Sendable {
    public let key: String
    /// The text that was read, which must be unchanged; nil if there was none.
    public let old: String?
    /// The new text; nil removes the annotation.
    public let new: String?

    public init(key: String, old: String?, new: String?) {
        self.key = key
        self.old = old
        self.new = new
    }

    /// An edit that changes nothing: the annotation must still have the text that was read, or the other edits are not
    /// made.
    init(key: String, unchanged text: String) {
        self.init(key: key, old: text, new: text)
    }

    /// False if the text must only be unchanged.
    public var isChange: Bool { old != new }
}
