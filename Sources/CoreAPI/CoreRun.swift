internal import FoundationEssentials
public import PreviewDomain

/// What the core API says about a run.
public struct CoreRun: Hashable, Sendable {
    /// The run's state in the core API's own words; `nil` where it says none.
    public let status: String?
    /// The run that started this one.
    public let parentRunID: RunID?
    /// Whether the core API takes no decisions about the run's tools any more. A status that is not known is none of those.
    public var isOver: Bool { status.map { Self.statesAfterWork.contains($0.lowercased()) } ?? false }
    /// Whether the run's owner lets its tools run without being asked.
    public let autoApprovesTools: Bool
    /// The user that the run belongs to, where the answer names one: who submitted it, as the platform calls it.
    public let owner: String?

    public init(status: String?, parentRunID: RunID?, autoApprovesTools: Bool, owner: String?) {
        self.status = status
        self.parentRunID = parentRunID
        self.autoApprovesTools = autoApprovesTools
        self.owner = owner
    }

    /// The states of a run that no longer works: with these the core API answers 409 to decisions and to the run's option.
    private static let statesAfterWork: Set = [
        "awaiting_review", "committing", "merging", "completed", "failed", "merged", "declined", "merge_failed",
        "assemble_ready", "cancelled", "canceled",
    ]
}

extension CoreRun: Decodable {
    private enum CodingKeys: String, CodingKey {
        case status, owner
        case submittingUser = "submitting_user"
        case parentRunID = "parent_run_id"
        case autoApprovesTools = "auto_approve_tools"
    }

    /// Reads leniently: members that are missing, or of another type than expected, count as not said.
    ///
    /// Whatever is not said grants nothing: only the JSON `true` approves tools, and a parent that is no run id hands
    /// nothing down.
    public init(from decoder: any Decoder) throws {
        let members = try decoder.container(keyedBy: CodingKeys.self)
        func text(_ key: CodingKeys) -> String? {
            (try? members.decodeIfPresent(String.self, forKey: key)).flatMap { $0.isEmpty ? nil : $0 }
        }
        self.init(
            status: text(.status),
            parentRunID: text(.parentRunID).flatMap { try? RunID($0) },
            autoApprovesTools: (try? members.decodeIfPresent(Bool.self, forKey: .autoApprovesTools)) ?? false,
            owner: text(.submittingUser) ?? text(.owner)
        )
    }
}
