internal import Basics
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain

/// A report as JSON for programs. The members' names are stable; a member without a value is left out.
struct ReapDocument: Encodable, Sendable {
    /// The API server's time by which age was judged; left out where it was not known.
    let clusterTime: ClusterTime?
    /// Whether the reaper is switched on.
    let enabled: Bool
    /// Whether nothing was to be deleted.
    let dryRun: Bool
    /// Whether nothing was to be reaped for idleness.
    let sparesIdle: Bool
    /// For how long a replica reaps nothing for idleness after it could not record keepalives, which this cannot know of.
    let outageGraceSeconds: Double
    let items: [ReapDocumentItem]

    struct ClusterTime: Encodable, Sendable {
        let earliest: String
        let latest: String
        let uncertaintySeconds: Double
    }

    /// - Parameters:
    ///   - entries: What of the report is to be told; all of it if `nil`.
    ///   - outcomes: What became of what was due; `nil` where nothing was to be deleted.
    init(
        _ report: ReapReport,
        entries: [ReapEntry]? = nil,
        outcomes: [PreviewToken: ReapOutcome]? = nil
    ) {
        clusterTime = report.time.map { time in
            ClusterTime(
                earliest: RFC3339.string(time.earliest),
                latest: RFC3339.string(time.latest),
                uncertaintySeconds: time.uncertainty
            )
        }
        enabled = report.policy.isEnabled
        dryRun = outcomes == nil
        sparesIdle = report.sparesIdle
        outageGraceSeconds = report.policy.outageGrace / .seconds(1)
        items = (entries ?? report.entries).map { entry in
            ReapDocumentItem(entry, policy: report.policy.lifetime, outcome: outcomes?[entry.token])
        }
    }

    func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }
}
