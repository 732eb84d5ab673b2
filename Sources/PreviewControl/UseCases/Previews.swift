internal import FoundationEssentials
internal import Logging
public import PreviewDomain

/// The operations of callers on previews: start, keep alive, stop, list.
///
/// Authorisation takes place before any of these is called.
public struct Previews: Sendable {
    let policy: PreviewPolicy
    let sandboxes: any SandboxDirectory
    let objects: any PreviewObjects
    let clusterTime: any ClusterTime
    let probe: any PreviewProbe
    let mirror: ClusterMirror
    let brake: Brake
    let outage: OutageGuard
    let timeline: any Timeline
    let randomBytes: RandomBytes
    let time: MonotonicTime
    let metrics: PreviewMetrics
    let logger: Logger
    /// The latest results of probes of listed previews.
    let readinessCache: ReadinessCache

    /// - Parameters:
    ///   - mirror: This replica's copy of the cluster.
    ///   - outage: Is notified of keepalives, and decides whether expired idle previews are revived.
    ///   - timeline: Receives the starts and stops.
    ///   - randomBytes: A cryptographically secure source. If it fails, no preview is started.
    init(
        policy: PreviewPolicy,
        sandboxes: any SandboxDirectory,
        objects: any PreviewObjects,
        clusterTime: any ClusterTime,
        probe: any PreviewProbe,
        mirror: ClusterMirror,
        brake: Brake,
        outage: OutageGuard,
        timeline: any Timeline,
        randomBytes: @escaping RandomBytes,
        time: MonotonicTime,
        metrics: PreviewMetrics,
        logger: Logger
    ) {
        self.policy = policy
        self.sandboxes = sandboxes
        self.objects = objects
        self.clusterTime = clusterTime
        self.probe = probe
        self.mirror = mirror
        self.brake = brake
        self.outage = outage
        self.timeline = timeline
        self.randomBytes = randomBytes
        self.time = time
        self.metrics = metrics
        self.logger = logger
        readinessCache = ReadinessCache(uptime: time.uptime) { preview in
            if let event = TimelineEvent.ready(preview) { timeline.record(event) }
        }
    }

    /// The ports that previews may use.
    public var ports: PortPolicy { policy.ports }

    /// Runs `work` within the caller's ``ResponseDeadline``, and maps the cluster's errors to errors for the caller.
    func mappingClusterErrors<Result>(_ work: () async throws -> Result) async throws(PreviewError) -> Result {
        do {
            return try await ResponseDeadline.ensure(time, work)
        } catch {
            throw PreviewError(mapping: error)
        }
    }

    /// The API server's time. If it is unknown, a read makes it known.
    func currentTime() async throws -> ClusterTimeReading {
        if let reading = clusterTime.reading() { return reading }
        _ = try await objects.routes()
        guard let reading = clusterTime.reading() else {
            throw ClusterError(.unavailable, "the API server's time is unknown")
        }
        return reading
    }

    /// Whether a preview has not ended. While idleness does not count, a keepalive revives an expired preview, so it
    /// has not ended.
    ///
    /// - Parameter now: The earliest instant that the API server's clock can show.
    func isLiving(_ preview: Preview, now: Date) -> Bool {
        policy.lifetime.isLiving(preview, now: now, idlenessCounts: outage.idlenessCounts(for: preview.token))
    }
}

/// The previews that approvals started. An approval contains a preview's fingerprint, and the cluster the preview.
extension Previews {
    /// The living preview of a run with one of these fingerprints.
    ///
    /// This replica's copy says which one to read; whether it lives is read from the cluster.
    func livingPreview(of run: RunID, fingerprints: Set<String>) async throws -> Preview? {
        let now = try await currentTime().earliest
        func isMatch(_ preview: Preview) -> Bool {
            preview.belongs(to: run) && fingerprints.contains(preview.token.fingerprint) && isLiving(preview, now: now)
        }
        if let known = mirror.routes(of: run.label)?.first(where: isMatch),
            let confirmed = try await objects.route(known.token), isMatch(confirmed)
        {
            return confirmed
        }
        let unknown = fingerprints.filter { mirror.end(of: $0) == nil }
        guard !unknown.isEmpty else { return nil }
        return try await objects.routes(of: run.label).map(\.preview).first(where: isMatch)
    }

    /// The session of a preview that an earlier call started, with the result of a new probe.
    ///
    /// - Returns: nil if the preview has ended, as one does that exceeded a limit.
    func join(_ preview: Preview) async throws -> StartedPreview? {
        let began = time.uptime()
        let (_, readiness) = await ResponseDeadline.suspend {
            await waitUntilServing(preview, host: preview.hostHeader)
        }
        // The wait for the app may have taken longer than the caller's deadline allows for the cluster.
        let living = try await ResponseDeadline.begin(time) { () async throws -> Preview? in
            let now = try await currentTime().earliest
            guard let current = try await objects.route(preview.token), current.uid == preview.uid,
                isLiving(current, now: now)
            else { return nil }
            return current
        }
        guard let current = living else { return nil }
        return StartedPreview(
            session: PreviewSession(current, policy: policy.lifetime, readiness: readiness),
            provisioning: .zero,
            waiting: time.uptime() - began,
            isNew: false
        )
    }

    /// The session of the living preview with that fingerprint, with the gateway's status of it.
    func session(of run: RunID, fingerprint: String) async throws -> PreviewSession? {
        let now = try await currentTime().earliest
        return try await objects.routes(of: run.label)
            .first { preview, _ in
                preview.token.fingerprint == fingerprint && preview.belongs(to: run) && isLiving(preview, now: now)
            }
            .map { PreviewSession($0.preview, policy: policy.lifetime, readiness: Readiness(unprobed: $0.status)) }
    }
}
