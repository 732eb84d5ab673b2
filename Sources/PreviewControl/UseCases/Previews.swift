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
    func asking<Result>(_ work: () async throws -> Result) async throws(PreviewError) -> Result {
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
