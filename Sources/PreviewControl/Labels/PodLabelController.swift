internal import FoundationEssentials
internal import Logging
internal import PreviewDomain
internal import ServiceLifecycle

/// Maintains the per-run label on the pods of runs that have previews, and removes it when the last preview has ended.
///
/// The platform's older service deletes a preview as an orphan if no pod has the label of its run, and the Services of
/// its own previews select the pod by this label. Therefore a start adds the label before the route exists; this
/// service adds it where it is missing, and removes it only when the run has neither a route nor a Service, of either
/// service.
///
/// It does not depend on how a preview ended, or on which replica: whenever a preview or a pod has changed, and once a
/// sweep interval, the copy of the cluster is compared with the desired labels. Every replica does this.
public struct PodLabelController: NamedService {
    private let policy: PreviewPolicy
    private let mirror: ClusterMirror
    private let objects: any PreviewObjects
    private let clusterTime: any ClusterTime
    private let time: MonotonicTime
    private let logger: Logger
    private let failedChanges: SharedLogThrottle<String>

    /// How long changes are collected before the next comparison.
    private static let pause = Duration.milliseconds(500)
    /// How long to wait before a failed change is retried.
    private static let retryDelay = Duration.seconds(5)

    init(
        policy: PreviewPolicy,
        mirror: ClusterMirror,
        objects: any PreviewObjects,
        clusterTime: any ClusterTime,
        time: MonotonicTime,
        logger: Logger
    ) {
        self.policy = policy
        self.mirror = mirror
        self.objects = objects
        self.clusterTime = clusterTime
        self.time = time
        self.logger = logger
        failedChanges = SharedLogThrottle(time: time)
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await mirror.hasLabelChange.wait(atMost: await compare(), time)
                try? await time.sleep(Self.pause)
            }
        }
    }

    /// Compares the copy with the desired labels, and applies the differences.
    ///
    /// - Returns: When to compare again if nothing changes until then.
    package func compare() async -> Duration {
        guard let now = clusterTime.reading()?.earliest, let plan = mirror.labelPlan(at: now, grace: policy.orphanGrace)
        else { return Self.retryDelay }
        var limit = policy.sweepInterval
        for step in plan.steps where !Task.isCancelled {
            do throws(ClusterError) {
                try await carryOut(step)
            } catch {
                if let heldBack = failedChanges.admit("\(error)") {
                    logger.warning(
                        "a pod's label could not be changed",
                        metadata: ["error": "\(error)", "held_back": "\(heldBack)"]
                    )
                }
                limit = min(limit, Self.retryDelay)
            }
        }
        if let next = plan.next { limit = min(limit, max(next.duration(since: now), .zero)) }
        return limit
    }

    private func carryOut(_ step: PodLabelPlan.Step) async throws(ClusterError) {
        switch step {
        case .add(let pod, let run):
            guard let now = clusterTime.reading()?.latest else { return }
            guard try await objects.label(pod, with: run, at: now) else { return }
            logger.info("a pod was labelled", metadata: ["pod": "\(pod.name)", "run": "\(run)"])
        case .remove(let pod, let run):
            // The order matters: a start that adds the label after this read changes the pod, and the removal fails. A
            // start that did so before is younger than the grace time, or its route is in the list.
            guard let label = try await objects.label(of: pod), label.run == run, let setAt = label.setAt,
                let now = clusterTime.reading()?.earliest, setAt + policy.orphanGrace <= now,
                try await objects.routes(of: run).isEmpty
            else { return }
            guard try await objects.unlabel(pod, label) else { return }
            logger.info("a pod's label was removed", metadata: ["pod": "\(pod.name)", "run": "\(run)"])
        }
    }
}

/// The pods whose label differs from the desired one.
struct PodLabelPlan: Hashable, Sendable {
    enum Step: Hashable, Sendable {
        case add(PodIdentity, RunLabel)
        case remove(PodIdentity, RunLabel)
    }

    private(set) var steps: [Step] = []
    /// When the next label may be removed, if nothing changes until then.
    private(set) var next: Date?

    /// - Parameters:
    ///   - now: The API server's time.
    ///   - grace: How long a label may exist for a preview that is about to be created.
    init(_ cluster: MirrorState, now: Date, grace: Duration) {
        var runs: Set<RunLabel> = []
        for preview in cluster.routes.values {
            guard let run = preview.run else { continue }
            runs.insert(run)
            guard !preview.isBeingDeleted, let name = preview.podName, let pod = cluster.pods[name],
                !pod.isBeingDeleted, pod.runLabel != run, pod.isProven(of: run, by: preview)
            else { continue }
            steps.append(.add(pod.identity, run))
        }
        for backend in cluster.backends.values { if let run = backend.run { runs.insert(run) } }
        for pod in cluster.pods.values {
            // A label that another client has set is not changed.
            guard let run = pod.runLabel, let setAt = pod.labelledAt, !pod.isBeingDeleted, !runs.contains(run)
            else { continue }
            let instant = setAt + grace
            if instant <= now {
                steps.append(.remove(pod.identity, run))
            } else {
                next = min(next ?? instant, instant)
            }
        }
        steps = Array(Set(steps))
    }
}

extension PodRecord {
    /// Whether the pod belongs to the run. The name alone, as the older service writes it, is no proof: another run may
    /// now have a pod of that name.
    fileprivate func isProven(of run: RunLabel, by preview: Preview) -> Bool {
        preview.compactPodUID.map { $0 == identity.compactUID } ?? (provenRun == run)
    }
}

extension ClusterMirror {
    /// The labels to be changed; nil while routes, Services or pods are not known.
    func labelPlan(at now: Date, grace: Duration) -> PodLabelPlan? {
        read { $0.cluster.isComplete ? PodLabelPlan($0.cluster, now: now, grace: grace) : nil }
    }
}
