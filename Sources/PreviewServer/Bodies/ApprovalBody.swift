internal import Basics
internal import PreviewControl
internal import PreviewDomain

/// A request for approval with what a human needs to decide about it.
struct ApprovalBody: Encodable {
    private let requestID: String
    private let displayID: String
    private let runID: String
    private let state: Approval.State
    private let toolName = Approval.toolName
    private let resource: String
    private let message: String
    private let targetPort: Int
    private let podName: String
    private let requestedBy: String
    private let requestedAt: String
    private let deadline: String
    private let statusURL: String
    private let scope: ApprovalScope?
    private let decidedBy: String?
    private let decidedAt: String?
    private let usableUntil: String?
    private let automatic: AutomaticGrant?
    private let reason: String?
    private let session: SessionBody?

    private enum CodingKeys: String, CodingKey {
        case requestID = "request_id"
        case displayID = "display_id"
        case runID = "run_id"
        case state
        case toolName = "tool_name"
        case resource
        case message
        case targetPort = "target_port"
        case podName = "pod_name"
        case requestedBy = "requested_by"
        case requestedAt = "requested_at"
        case deadline
        case statusURL = "status_url"
        case scope
        case decidedBy = "decided_by"
        case decidedAt = "decided_at"
        case usableUntil = "usable_until"
        case automatic
        case reason
        case session
    }

    /// - Parameter session: The living preview that the request became, for those who may see it.
    init(_ approval: Approval, session: SessionBody? = nil) {
        requestID = approval.id.text
        displayID = approval.id.displayID
        runID = approval.run.text
        state = approval.state
        resource = approval.resource
        message = approval.question
        targetPort = approval.port.number
        podName = approval.pod
        requestedBy = approval.requester
        requestedAt = RFC3339.string(approval.requestedAt)
        deadline = RFC3339.string(approval.deadline)
        statusURL = Self.statusURL(of: approval)
        scope = approval.scope
        decidedBy = approval.decidedBy
        decidedAt = approval.decidedAt.map(RFC3339.string)
        usableUntil = approval.usableUntil.map(RFC3339.string)
        automatic = approval.automatic
        reason = approval.reason
        self.session = session
    }

    /// Where the request can be followed.
    static func statusURL(of approval: Approval) -> String {
        "/api/runs/\(approval.run.text)/preview-requests/\(approval.id.text)"
    }
}
