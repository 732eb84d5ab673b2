internal import FoundationEssentials

/// What one look at the cluster found: what the reaper would do about every preview, why, and when that changes.
///
/// A value, made from a ``ReapSurvey`` and the same ``ReapJudge`` as every sweep's.
public struct ReapReport: Sendable {
    /// The previews, then the Services without a route.
    public let entries: [ReapEntry]
    /// The API server's time by which age was judged; `nil` where it was not known.
    public let time: ClusterTimeReading?
    /// The rules that were applied.
    public let policy: PreviewPolicy
    /// Whether nothing was to be reaped for idleness.
    public let sparesIdle: Bool

    init(_ survey: ReapSurvey, policy: PreviewPolicy, sparesIdle: Bool = false) {
        self.policy = policy
        time = survey.time
        self.sparesIdle = sparesIdle
        entries =
            survey.routes.map { ReapEntry($0, policy: policy, time: survey.time) }
            + survey.loneBackends.map { ReapEntry($0) }
    }

    /// What a carried out report deletes.
    var orders: [ReapOrder] { entries.compactMap(\.order) }
}
