internal import FoundationEssentials
internal import Hummingbird
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

    /// - Parameter bytes: The body as it came.
    init(_ bytes: ByteBuffer) throws {
        guard let members = try? JSONDecoder().decode(Members.self, from: Data(bytes.readableBytesView)) else {
            throw APIError(.badRequest, Self.expectation)
        }
        guard let requestID = members.requestID, !requestID.isEmpty else {
            throw APIError(.badRequest, "The request_id is missing: \(Self.expectation)")
        }
        guard let scope = ApprovalScope(rawValue: members.scope ?? ApprovalScope.once.rawValue) else {
            let known = ApprovalScope.allCases.map(\.rawValue).joined(separator: ", ")
            throw APIError(.badRequest, "The scope is not known: expected one of \(known).")
        }
        self.requestID = requestID
        self.scope = scope
        reason = members.reason
    }

    /// Whether the decision may be about a request of this service, as far as its id tells.
    static func mayBeOurs(_ bytes: ByteBuffer) -> Bool {
        let members = try? JSONDecoder().decode(Members.self, from: Data(bytes.readableBytesView))
        return members?.requestID.map { ApprovalRequestID($0) != nil } ?? true
    }

    private static let expectation = """
        expected a JSON object with the request's id as text, for example {"request_id": "…", "scope": "once"}.
        """
}

/// The body of the automatic approval's switch: `{"enabled": true}`.
struct AutoApproveBody: Decodable {
    let enabled: Bool

    init(_ bytes: ByteBuffer) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes.readableBytesView))
        } catch {
            throw APIError(
                .badRequest,
                "The body cannot be used: expected {\"enabled\": true} or {\"enabled\": false}."
            )
        }
    }
}

/// The answer to an approval.
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

/// The answer to a denial.
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

/// The answer to the automatic approval's switch.
struct AutoApproveAnswer: Encodable {
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
