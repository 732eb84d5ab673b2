internal import KubernetesClient
internal import Logging
internal import OpenSSLKit
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain
internal import Synchronization

/// The use cases of the service for one command. There are no watches; each use case reads from the API server.
struct OperatorConnection: Sendable {
    let cluster: ClusterConnection
    let core: ReplicaCore
    private let approvals: KubernetesApprovalStore
    private let events = RecordedEvents()

    /// Discards all lines. Errors reach the operator as the command's own error.
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

    /// Reads all previews, with the reaper's decision about each.
    func report(withClaims: Bool = false) async throws -> ReapReport {
        let sweep = SingleSweep(policy: cluster.policy, objects: cluster.objects, clusterTime: cluster.time)
        return try await CommandFailure.reading { () async throws(ClusterError) in
            try await sweep.inspect(withClaims: withClaims)
        }
    }

    /// All requests for approval on the claims: pending ones first, then by time, newest first.
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

    /// Writes the events of this command to the runs' timelines, as the service does.
    ///
    /// - Returns: A description of each event that could not be written. The action itself has succeeded.
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

/// Collects events until they are written.
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

/// A probe that tries nothing. No command starts a preview, so it is never called.
private struct NoProbe: PreviewProbe {
    func probe(_ token: PreviewToken, timeout: Duration) async -> ProbeOutcome { .notProbed }
}
