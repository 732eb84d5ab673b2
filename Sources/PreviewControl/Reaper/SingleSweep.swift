internal import FoundationEssentials
public import PreviewDomain
internal import Synchronization

/// One sweep over the live cluster, for an operator: it says what it finds, and deletes only when told to.
///
/// It judges and deletes as the ``Reaper`` does, and keeps no mirror, no brake and no timeline: replicas that serve see
/// what it deletes, and tell.
public struct SingleSweep: Sendable {
    private let policy: PreviewPolicy
    private let objects: any PreviewObjects
    private let clusterTime: any ClusterTime
    /// It knows nothing, so everything is read live.
    private let mirror: ClusterMirror
    private let sparesIdle: Bool

    /// - Parameter sparesIdle: Whether to reap nothing for idleness, as a replica does for a while after it could not
    ///   record keepalives. Nothing else can know of that.
    public init(
        policy: PreviewPolicy,
        objects: any PreviewObjects,
        clusterTime: any ClusterTime,
        sparesIdle: Bool = false
    ) {
        self.policy = policy
        self.objects = objects
        self.clusterTime = clusterTime
        self.sparesIdle = sparesIdle
        mirror = ClusterMirror(policy: policy)
    }

    /// Lists everything and judges it.
    ///
    /// - Parameter withClaims: Whether to list the runs' claims even where they do not matter.
    public func look(withClaims: Bool = false) async throws(ClusterError) -> ReapReport {
        let survey = try await ReapSurvey.listing(
            objects,
            mirror: mirror,
            claims: { () async throws(ClusterError) in try await claimUIDs(withClaims) },
            clusterTime: clusterTime,
            idleFrom: idleFrom,
            judge: ReapJudge(policy: policy)
        )
        return ReapReport(survey, policy: policy, sparesIdle: sparesIdle)
    }

    /// Deletes what was found to be due, after a second look at each; nothing while the reaper is switched off.
    ///
    /// - Returns: What became of each.
    public func carryOut(_ report: ReapReport) async -> [PreviewToken: ReapOutcome] {
        guard policy.isEnabled else { return [:] }
        let execution = ReapExecution(
            objects: objects,
            mirror: mirror,
            time: clusterTime,
            judge: ReapJudge(policy: policy),
            idleFrom: idleFrom
        )
        let results = Mutex<[PreviewToken: ReapOutcome]>([:])
        await execution.carryOut(report.orders) { order, outcome in
            results.withLock { $0[order.token] = outcome }
        }
        return results.withLock(\.self)
    }

    private var idleFrom: IdleFrom {
        let instant = sparesIdle ? Date.distantFuture : .distantPast
        return { _, _ in instant }
    }

    private func claimUIDs(_ withClaims: Bool) async throws(ClusterError) -> Set<String>? {
        guard withClaims || !policy.lifetime.keepsAfterRun else { return nil }
        do {
            return Set(try await objects.claims().map(\.uid))
        } catch {
            guard policy.lifetime.keepsAfterRun else { throw error }
            return nil
        }
    }
}
