internal import Basics
public import FoundationEssentials

/// A grant that remains valid after the request for which it was given.
public struct StandingGrant: Hashable, Sendable {
    /// What it covers.
    public enum Scope: Hashable, Sendable {
        /// One port of one run.
        case run(RunID, TargetPort)
        /// Every port of one run.
        case tool(RunID)
        /// One port of every run.
        case always(TargetPort)
    }

    public let scope: Scope
    /// Who gave it.
    public let by: String?
    public let at: Date?

    public init(_ scope: Scope, by: String, at: Date) {
        self.scope = scope
        self.by = Approval.truncated(by)
        self.at = at
    }

    fileprivate init(scope: Scope, by: String?, at: Date?) {
        self.scope = scope
        self.by = by.map(Approval.truncated)
        self.at = at
    }
}

/// The standing grants on one object: those of a run on its claim, those for every run on the preview Gateway.
public struct StandingGrants: Hashable, Sendable {
    /// The largest number of grants on one object. A further one replaces the oldest, whose run then needs approval
    /// again.
    public static let maxCount = 64
    /// The longest annotation in bytes that is read as grants. It is longer than the largest number of grants with long
    /// names.
    static let maxTextBytes = 64 * 1024

    public private(set) var grants: [StandingGrant]

    public init() {
        grants = []
    }

    /// The scope by which the port of the run is covered, if it is.
    public func scope(covering run: RunID, port: TargetPort) -> StandingGrant.Scope? {
        let covering: [StandingGrant.Scope] = [.run(run, port), .tool(run), .always(port)]
        return covering.first { scope in grants.contains { $0.scope == scope } }
    }

    /// Adds a grant, which replaces one with the same scope.
    public mutating func add(_ grant: StandingGrant) {
        grants.removeAll { $0.scope == grant.scope }
        grants.append(grant)
        grants.removeFirst(max(0, grants.count - Self.maxCount))
    }

    // MARK: Text

    private struct Record: Codable {
        var scope: ApprovalScope
        var run: String?
        var port: Int?
        var by: String?
        var at: String?
    }

    /// Malformed entries are ignored.
    private struct LenientRecord: Decodable {
        let record: Record?

        init(from decoder: any Decoder) throws {
            record = try? Record(from: decoder)
        }
    }

    /// Reads the text of an annotation. An invalid text contains no grants.
    public init(text: String?) {
        self.init()
        guard let text, text.utf8.count <= Self.maxTextBytes,
            let records = try? JSONDecoder().decode([LenientRecord].self, from: Data(text.utf8))
        else { return }
        for record in records.compactMap(\.record) {
            guard let scope = Self.scope(of: record) else { continue }
            add(StandingGrant(scope: scope, by: record.by, at: record.at.flatMap(RFC3339.date)))
        }
    }

    /// The text of the annotation: a JSON array, the oldest grant first.
    public var text: String {
        let records = grants.map { grant in
            let at = grant.at.map(RFC3339.string)
            return switch grant.scope {
            case .run(let run, let port): Record(scope: .run, run: run.text, port: port.number, by: grant.by, at: at)
            case .tool(let run): Record(scope: .tool, run: run.text, port: nil, by: grant.by, at: at)
            case .always(let port): Record(scope: .always, run: nil, port: port.number, by: grant.by, at: at)
            }
        }
        return JSONText.encode(records)
    }

    private static func scope(of record: Record) -> StandingGrant.Scope? {
        let run = record.run.flatMap { try? RunID($0) }
        let port = record.port.flatMap(TargetPort.init)
        switch (record.scope, run, port) {
        case (.run, let run?, let port?): return .run(run, port)
        case (.tool, let run?, _): return .tool(run)
        case (.always, _, let port?): return .always(port)
        default: return nil
        }
    }
}

/// The ground of an automatic approval. The raw value is written into the approval.
public enum AutomaticGrant: String, Hashable, Sendable, Codable, CaseIterable {
    /// The service's own setting approves everything.
    case setting
    /// The run's auto-approve option, on its claim or in the core API.
    case runOption = "run-option"
    /// An earlier grant of scope `run`.
    case runGrant = "run-grant"
    /// An earlier grant of scope `tool`.
    case toolGrant = "tool-grant"
    /// An earlier grant of scope `always`.
    case alwaysGrant = "always-grant"
    /// The auto-approve option of the run's parent run.
    case parentOption = "parent-option"
    /// A grant of scope `run` to the run's parent run.
    case parentRunGrant = "parent-run-grant"
    /// A grant of scope `tool` to the run's parent run.
    case parentToolGrant = "parent-tool-grant"

    /// The ground in words, as the end of a sentence.
    public var explanation: String {
        switch self {
        case .setting: "this service is configured to approve every preview"
        case .runOption: "the run's auto-approve option is enabled"
        case .runGrant: "this port was approved for the whole run"
        case .toolGrant: "previews of any port were approved for the whole run"
        case .alwaysGrant: "this port was approved for every run"
        case .parentOption: "the auto-approve option of the parent run is enabled"
        case .parentRunGrant: "this port was approved for the parent run"
        case .parentToolGrant: "previews of any port were approved for the parent run"
        }
    }
}

/// The scope of an approval. The raw value is used by callers and in the annotations.
public enum ApprovalScope: String, Hashable, Sendable, Codable, CaseIterable {
    /// This one request.
    case once
    /// Every request of this run for this port.
    case run
    /// Every request of this run, whatever the port.
    case tool
    /// Every request of any run for this port.
    case always
}
