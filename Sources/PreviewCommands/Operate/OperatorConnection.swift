internal import KubernetesClient
internal import Logging
internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain
internal import Synchronization

/// The use cases of the service, for one command: nothing is watched, so everything is read from the cluster.
struct OperatorConnection: Sendable {
    let cluster: ClusterConnection
    let core: ReplicaCore
    private let approvals: KubernetesApprovalStore
    private let events = RecordedEvents()

    /// What goes wrong is told as the command's own error.
    private static let logger = Logger(label: "preview-gateway") { _ in SwiftLogNoOpLogHandler() }

    init(_ cluster: ClusterConnection) {
        self.cluster = cluster
        let mirror = ClusterMirror(policy: cluster.policy)
        approvals = KubernetesApprovalStore(client: cluster.client, manifests: cluster.manifests)
        core = ReplicaCore(
            ClusterPorts(
                cluster.objects,
                mirror: mirror,
                feed: KubernetesClusterFeed(client: cluster.client, manifests: cluster.manifests),
                probe: NoProbe()
            ),
            mirror: mirror,
            policy: cluster.policy,
            timeline: events,
            time: MonotonicTime(ContinuousClock()),
            randomBytes: { try CSPRNG.bytes($0) },
            logger: Self.logger
        )
    }

    // MARK: Reading

    /// All previews, with what the reaper would do about each.
    func report(withClaims: Bool = false) async throws -> ReapReport {
        let sweep = SingleSweep(policy: cluster.policy, objects: cluster.objects, clusterTime: cluster.time)
        return try await CommandFailure.reading { () async throws(ClusterError) in
            try await sweep.look(withClaims: withClaims)
        }
    }

    /// All runs' requests for approval that are still on their claims, those that wait first, then the newest.
    func requests() async throws -> [Approval] {
        let claims = try await CommandFailure.reading("the runs' requests") { () async throws(ClusterError) in
            try await approvals.claims()
        }
        let now = cluster.time.reading()?.earliest
        return
            claims.flatMap(\.ledger.entries).map(\.approval)
            .map { approval in now.flatMap { approval.after(.expire(now: $0)) } ?? approval }
            .sorted { one, other in
                let (isFirst, isSecond) = (one.state == .pending, other.state == .pending)
                return isFirst == isSecond ? one.requestedAt > other.requestedAt : isFirst
            }
    }

    // MARK: Timeline

    var timelineLog: KubernetesTimelineLog {
        KubernetesTimelineLog(client: cluster.client, namespace: cluster.settings.namespace, logger: Self.logger)
    }

    /// Writes down what this command has done, as the service does.
    ///
    /// - Returns: Why something could not be written; the deed itself is done.
    func recordEvents() async -> [String] {
        let log = timelineLog
        var failures: [String] = []
        for event in events.take() {
            guard let now = cluster.time.reading()?.latest else { continue }
            do {
                _ = try await log.write(TimelineEntry(event, at: now))
            } catch {
                failures.append("the event \(event.kind.rawValue) could not be written to the run's timeline: \(error)")
            }
        }
        return failures
    }
}

/// Keeps what happened until it is written.
private final class RecordedEvents: Timeline {
    private let events = Mutex<[TimelineEvent]>([])

    func record(_ event: TimelineEvent) { events.withLock { $0.append(event) } }

    func take() -> [TimelineEvent] {
        events.withLock { events in
            defer { events = [] }
            return events
        }
    }
}

/// No command starts a preview, so none is probed.
private struct NoProbe: PreviewProbe {
    func probe(_ token: PreviewToken, patience: Duration) async -> ProbeOutcome { .notTried }
}
