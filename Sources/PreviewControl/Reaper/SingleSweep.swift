internal import FoundationEssentials
public import PreviewDomain
internal import Synchronization

/// One sweep over the live cluster, for an operator: it reports what it finds, and deletes only on request.
///
/// It evaluates and deletes as the ``Reaper`` does, without a mirror, a brake and a timeline: serving replicas observe its
/// deletions and write the events.
public struct SingleSweep: Sendable {
    private let policy: PreviewPolicy
    private let objects: any PreviewObjects
    private let clusterTime: any ClusterTime
    /// It has no copy, so everything is read live.
    private let mirror: ClusterMirror
    private let sparesIdle: Bool

    /// - Parameter sparesIdle: Whether to delete no idle previews, as a replica does for a while after it could not
    ///   record keepalives. This process has no information about that.
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

    /// Lists everything and evaluates it.
    ///
    /// - Parameter withClaims: Whether to list the runs' claims even if they are not relevant.
    public func inspect(withClaims: Bool = false) async throws(ClusterError) -> ReapReport {
        let survey = try await ReapSurvey.listing(
            objects,
            mirror: mirror,
            claims: { () async throws(ClusterError) in try await claimUIDs(withClaims) },
            clusterTime: clusterTime,
            minExpiry: minExpiry,
            evaluator: ReapEvaluator(policy: policy)
        )
        return ReapReport(survey, policy: policy, sparesIdle: sparesIdle)
    }

    /// Deletes what is due, after confirming each deletion; nothing while the reaper is disabled.
    ///
    /// - Returns: The result of each deletion.
    public func carryOut(_ report: ReapReport) async -> [PreviewToken: ReapOutcome] {
        guard policy.isEnabled else { return [:] }
        let execution = ReapExecution(
            objects: objects,
            mirror: mirror,
            time: clusterTime,
            evaluator: ReapEvaluator(policy: policy),
            minExpiry: minExpiry
        )
        let results = Mutex<[PreviewToken: ReapOutcome]>([:])
        await execution.carryOut(report.deletions) { deletion, outcome in
            results.withLock { $0[deletion.token] = outcome }
        }
        return results.withLock(\.self)
    }

    private var minExpiry: MinExpiry {
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
