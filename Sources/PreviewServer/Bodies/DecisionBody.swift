internal import Basics
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import PreviewDomain

/// The body of a decision: `{"request_id": "…", "scope": "once"}`, and for denials an optional `reason`.
struct DecisionBody {
    let requestID: String
    let scope: ApprovalScope
    let reason: String?

    private struct Members: Decodable {
        let requestID: String?
        let scope: String?
        let reason: String?

        private enum CodingKeys: String, CodingKey {
            case requestID = "request_id"
            case scope
            case reason
        }
    }

    /// - Parameter bytes: The bytes of the body.
    init(_ bytes: ByteBuffer) throws {
        guard let members = try? JSONDecoder().decode(Members.self, from: Data(bytes.readableBytesView)) else {
            throw APIError(.badRequest, Self.expectation)
        }
        guard let requestID = members.requestID, !requestID.isEmpty else {
            throw APIError(.badRequest, "The request_id is missing: \(Self.expectation)")
        }
        guard let scope = ApprovalScope(rawValue: members.scope ?? ApprovalScope.once.rawValue) else {
            let known = ApprovalScope.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(.badRequest, "The scope is unknown: expected one of \(known).")
        }
        self.requestID = requestID
        self.scope = scope
        reason = members.reason
    }

    /// Whether the ID may be that of a request of this service.
    static func mayConcernThisService(_ bytes: ByteBuffer) -> Bool {
        let members = try? JSONDecoder().decode(Members.self, from: Data(bytes.readableBytesView))
        return members?.requestID.map { ApprovalRequestID($0) != nil } ?? true
    }

    private static let expectation = """
        expected a JSON object with the request's id as text, for example {"request_id": "…", "scope": "once"}.
        """
}

/// The body for the auto-approve option: `{"enabled": true}`.
struct AutoApproveBody: Decodable {
    let enabled: Bool

    init(_ bytes: ByteBuffer) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes.readableBytesView))
        } catch {
            throw APIError(
                .badRequest,
                "The body is invalid: expected {\"enabled\": true} or {\"enabled\": false}."
            )
        }
    }
}

/// The response to an approval.
struct ApprovedBody: Encodable {
    private let runID: String
    private let requestID: String
    private let approved = true
    private let scope: ApprovalScope

    private enum CodingKeys: String, CodingKey {
        case runID = "run_id"
        case requestID = "request_id"
        case approved
        case scope
    }

    init(run: RunID, _ decision: DecisionBody) {
        runID = run.text
        requestID = decision.requestID
        scope = decision.scope
    }
}

/// The response to a denial.
struct DeniedBody: Encodable {
    private let runID: String
    private let requestID: String
    private let denied = true

    private enum CodingKeys: String, CodingKey {
        case runID = "run_id"
        case requestID = "request_id"
        case denied
    }

    init(run: RunID, _ decision: DecisionBody) {
        runID = run.text
        requestID = decision.requestID
    }
}

/// The response to a change of the auto-approve option.
struct AutoApproveResponseBody: Encodable {
    private let runID: String
    private let autoApproveTools: Bool

    private enum CodingKeys: String, CodingKey {
        case runID = "run_id"
        case autoApproveTools = "auto_approve_tools"
    }

    init(run: RunID, isOn: Bool) {
        runID = run.text
        autoApproveTools = isOn
    }
}

/// A request for approval with the information for a decision.
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

    /// - Parameter session: The living preview that the request started, for callers who may see it.
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

    /// The URL of the request.
    static func statusURL(of approval: Approval) -> String {
        "/api/runs/\(approval.run.text)/preview-requests/\(approval.id.text)"
    }
}
