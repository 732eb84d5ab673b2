internal import FoundationEssentials
internal import Logging
public import PreviewDomain

/// What callers can do with previews: start, keep alive, stop, list.
///
/// Who may do it is decided before any of these is called.
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
    /// What was last found about previews that are listed.
    let memory: ReadinessMemory

    /// - Parameters:
    ///   - mirror: This replica's copy of the cluster.
    ///   - outage: Gets told of keepalives, and says whether what has idled too long is revived.
    ///   - timeline: Gets told what was started and stopped.
    ///   - randomBytes: A cryptographically secure source. When it fails, no preview is started.
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
        memory = ReadinessMemory(uptime: time.uptime) { preview in
            if let event = TimelineEvent.ready(preview) { timeline.record(event) }
        }
    }

    /// The ports that may be previewed.
    public var ports: PortPolicy { policy.ports }

    /// Runs `work` within the caller's ``AnswerDeadline``, and turns what the cluster did not do into the caller's error.
    func mappingClusterErrors<Result>(_ work: () async throws -> Result) async throws(PreviewError) -> Result {
        do {
            return try await AnswerDeadline.keep(time, work)
        } catch {
            throw PreviewError(meeting: error)
        }
    }

    /// The API server's time, which one read makes known if it is not.
    func currentTime() async throws -> ClusterTimeReading {
        if let reading = clusterTime.reading() { return reading }
        _ = try await objects.routes()
        guard let reading = clusterTime.reading() else {
            throw ClusterError(.unavailable, "the API server does not tell its time")
        }
        return reading
    }
}

/// The previews that approvals became. An approval knows a preview's fingerprint, and the cluster the preview.
extension Previews {
    /// The living preview of a run with one of these fingerprints.
    ///
    /// This replica's copy says where to look; that the preview lives, or that there is none, the cluster says.
    func living(of run: RunLabel, fingerprints: Set<String>) async throws -> Preview? {
        let now = try await currentTime().earliest
        func isIt(_ preview: Preview) -> Bool {
            preview.run == run && preview.isLiving(now: now, policy: policy.lifetime)
                && fingerprints.contains(preview.token.fingerprint)
        }
        if let known = mirror.routes(of: run)?.first(where: isIt),
            let confirmed = try await objects.route(known.token), isIt(confirmed)
        {
            return confirmed
        }
        let unknown = fingerprints.filter { mirror.end(of: $0) == nil }
        guard !unknown.isEmpty else { return nil }
        return try await objects.routes(of: run).map(\.preview).first(where: isIt)
    }

    /// The session of a preview that an earlier call started, with what its address answers now.
    ///
    /// - Returns: nil when the preview ended meanwhile, as one does that turned out to be one too many.
    func join(_ preview: Preview) async throws -> StartedPreview? {
        let began = time.uptime()
        let (_, readiness) = await waitUntilServing(preview, host: preview.hostHeader)
        let now = try await currentTime().earliest
        guard let current = try await objects.route(preview.token), current.uid == preview.uid,
            current.isLiving(now: now, policy: policy.lifetime)
        else { return nil }
        return StartedPreview(
            session: PreviewSession(current, policy: policy.lifetime, readiness: readiness),
            provisioning: .zero,
            waiting: time.uptime() - began,
            isNew: false
        )
    }

    /// The session of the living preview with that fingerprint, with what the gateway says about it.
    func session(of run: RunLabel, fingerprint: String) async throws -> PreviewSession? {
        let now = try await currentTime().earliest
        return try await objects.routes(of: run)
            .first { preview, _ in
                preview.token.fingerprint == fingerprint && preview.isLiving(now: now, policy: policy.lifetime)
            }
            .map { PreviewSession($0.preview, policy: policy.lifetime, readiness: Readiness(untried: $0.status)) }
    }
}

extension Preview {
    /// Whether the preview is there to stay for a while: nobody has begun to delete it, and its time is not over.
    fileprivate func isLiving(now: Date, policy: LifetimePolicy) -> Bool {
        !isBeingDeleted && now < deadline(policy: policy)
    }
}
