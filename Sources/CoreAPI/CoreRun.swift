public import PreviewDomain

/// The core API's information about a run.
public struct CoreRun: Hashable, Sendable {
    /// The run's state in the core API's own words; `nil` if it has none.
    public let status: String?
    /// The run that started this one.
    public let parentRunID: RunID?
    /// Whether the core API accepts no decisions about the run's tools any more. An unknown status does not count.
    public var hasEnded: Bool { status.map { Self.endedStatuses.contains($0.lowercased()) } ?? false }
    /// Whether the run's tools are approved automatically.
    public let autoApprovesTools: Bool
    /// The owner of the run, if the response names one: the submitting user, as the platform calls it.
    public let owner: String?

    public init(status: String?, parentRunID: RunID?, autoApprovesTools: Bool, owner: String?) {
        self.status = status
        self.parentRunID = parentRunID
        self.autoApprovesTools = autoApprovesTools
        self.owner = owner
    }

    /// The states of a run that has ended: in these the core API answers 409 to decisions and to changes of the run's
    /// option.
    private static let endedStatuses: Set = [
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

    /// Decodes leniently: members that are missing, or of another type than expected, count as absent.
    ///
    /// An absent member grants nothing: only the JSON `true` approves tools, and a parent that is not a run ID is
    /// ignored.
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
