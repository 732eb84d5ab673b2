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

    init(_ survey: ReapSurvey, policy: PreviewPolicy) {
        let judge = ReapJudge(policy: policy)
        self.policy = policy
        time = survey.time
        entries =
            survey.routes.map { ReapEntry($0, judge: judge, time: survey.time) }
            + survey.loneBackends.map { ReapEntry($0, judge: judge) }
    }

    /// What a carried out report deletes.
    var orders: [ReapOrder] { entries.compactMap(\.order) }
}
