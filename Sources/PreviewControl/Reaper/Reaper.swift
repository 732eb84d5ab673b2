internal import FoundationEssentials
internal import Logging
internal import PreviewDomain
internal import ServiceLifecycle

/// Deletes previews: at their deadline, when their pod is gone, when one of their objects is missing, and, if previews
/// are not kept after their run, when the run's claim is gone.
///
/// Two loops run side by side. The deadline loop sleeps until the next object in this replica's copy is due, or an
/// earlier one is added. The sweep checks at fixed intervals that the watches work, and evaluates everything again; if
/// they do not work, and at longer intervals, it lists everything and evaluates the lists. Every replica does all of this:
/// a second deletion of the same object is not an error.
public struct Reaper: NamedService {
    private let policy: PreviewPolicy
    private let mirror: ClusterMirror
    private let feed: any ClusterFeed
    private let objects: any PreviewObjects
    private let clusterTime: any ClusterTime
    private let brake: Brake
    private let outage: OutageGuard
    private let timeline: any Timeline
    private let time: MonotonicTime
    private let jitter: @Sendable () -> Double
    private let metrics: PreviewMetrics
    private let logger: Logger
    private let failedDeletions: SharedLogThrottle<String>
    private let execution: ReapExecution

    /// How long before a deadline the time is read again: the sleep was computed from the knowledge of the cluster's
    /// time at its beginning, which may have improved since.
    private static let checkLead = Duration.seconds(1)
    /// How long the deadline loop waits while the cluster's time is not known.
    private static let unknownTimeDelay = Duration.seconds(1)
    /// How often a sweep lists everything even if the watches seem to work: a proxy that withholds their events cannot
    /// be distinguished from a cluster without changes.
    static let sweepsPerListing = 10

    /// - Parameters:
    ///   - outage: Is notified whether the API server answers, and decides whether idleness counts.
    ///   - timeline: Receives the deletions and their reasons.
    ///   - jitter: Returns a number in 0..<1, by which replicas spread their sweeps.
    init(
        policy: PreviewPolicy,
        mirror: ClusterMirror,
        feed: any ClusterFeed,
        objects: any PreviewObjects,
        clusterTime: any ClusterTime,
        brake: Brake,
        outage: OutageGuard,
        timeline: any Timeline,
        time: MonotonicTime,
        jitter: @escaping @Sendable () -> Double,
        metrics: PreviewMetrics,
        logger: Logger
    ) {
        self.policy = policy
        self.mirror = mirror
        self.feed = feed
        self.objects = objects
        self.clusterTime = clusterTime
        self.brake = brake
        self.outage = outage
        self.timeline = timeline
        self.time = time
        self.jitter = jitter
        self.metrics = metrics
        self.logger = logger
        failedDeletions = SharedLogThrottle(time: time)
        execution = ReapExecution(
            objects: objects,
            mirror: mirror,
            time: clusterTime,
            evaluator: ReapEvaluator(policy: policy),
            minExpiry: outage.minExpiry
        )
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        if policy.isEnabled, policy.outageGrace < policy.shortestOutageGrace {
            logger.warning(
                "the grace time after an outage is so short that an outage may end previews in use",
                metadata: [
                    "seconds": "\(policy.outageGrace / .seconds(1))",
                    "shortest": "\(policy.shortestOutageGrace / .seconds(1))",
                ]
            )
        }
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await sweepRegularly() }
                if policy.isEnabled {
                    group.addTask { await reapAtDeadlines() }
                }
            }
        }
    }

    // MARK: Deadlines

    /// A slow deletion, because the API server does not answer, does not delay the others.
    private func reapAtDeadlines() async {
        await withTaskGroup(of: Void.self) { group in
            var underWay = 0
            while !Task.isCancelled {
                guard let now = clusterTime.reading()?.earliest else {
                    await waitForDeadline(atMost: Self.unknownTimeDelay)
                    continue
                }
                let due = mirror.takeDue(now: now)
                for key in due where !Task.isCancelled {
                    if underWay == ReapExecution.maxConcurrentDeletions { await group.next() } else { underWay += 1 }
                    group.addTask { await reapIfDue(key) }
                }
                guard due.isEmpty else { continue }
                let untilNext = mirror.nextDeadline.map { $0.duration(since: now) }
                await waitForDeadline(atMost: untilNext ?? policy.sweepInterval)
            }
        }
    }

    /// - Parameter yields: Whether a deletion may be left to another replica first.
    func reapIfDue(_ key: ReapKey, yields: Bool = true) async {
        // Nothing is removed from the queue before the time is known again.
        guard let now = clusterTime.reading()?.earliest else { return mirror.retry(key, at: .distantPast) }
        guard let deletion = mirror.dueDeletion(for: key, now: now, yields: yields, minExpiry: outage.minExpiry) else {
            return
        }
        record(await execution.carryOut(deletion), of: deletion)
    }

    /// Waits until something is due earlier than was known, but no longer than `limit` or a sweep interval.
    private func waitForDeadline(atMost limit: Duration) async {
        let limit = min(limit, policy.sweepInterval)
        await mirror.hasEarlierDeadline.wait(atMost: limit > Self.checkLead * 2 ? limit - Self.checkLead : limit, time)
    }

    // MARK: Sweep

    private func sweepRegularly() async {
        var number = 0
        var pauses = SweepPauses(interval: policy.sweepInterval)
        var lastError: ClusterError?
        while !Task.isCancelled {
            do throws(ClusterError) {
                try await sweep(lists: number.isMultiple(of: Self.sweepsPerListing))
                number += 1
                if lastError != nil { logger.notice("sweeps work again") }
                lastError = nil
                do { try await time.sleep(pauses.succeeded(jitter: jitter())) } catch { return }
            } catch {
                guard !Task.isCancelled else { return }
                // Logged once for each cause, since it is retried soon.
                if error != lastError { logger.error("a sweep failed", metadata: ["error": "\(error)"]) }
                lastError = error
                await outage.hasRecovered.wait(atMost: pauses.failed(jitter: jitter()), time)
            }
        }
    }

    /// Evaluates everything and carries out what is due: three requests if nothing is, regardless of the number of
    /// previews.
    ///
    /// The copy is evaluated if its watches prove that the API server answers them. It is as good as a list then, because
    /// only the evaluated state of an object is deleted. If a request has failed since the last response, only lists prove
    /// that the API server works again: it may open a watch while its storage is not available.
    ///
    /// - Parameter lists: Whether to list everything in any case.
    package func sweep(lists: Bool = false) async throws(ClusterError) {
        let began = time.uptime()
        if !lists, !outage.hasUnresolvedFailure, let due = await dueInCopy() {
            await sweep(due.map(\.token)) {
                // Anything that is due in a sweep was missed by the deadline loop.
                await due.forEach(maxConcurrent: ReapExecution.maxConcurrentDeletions) {
                    await reapIfDue($0, yields: false)
                }
            }
        } else {
            let due: [DueDeletion]
            do throws(ClusterError) {
                due = try await dueInLists()
            } catch {
                if !Task.isCancelled {
                    outage.recordFailure(error, sentAt: began)
                    brake.sweepFailed(error)
                }
                throw error
            }
            await sweep(due.map(\.token)) {
                await execution.carryOut(due) { deletion, outcome in record(outcome, of: deletion) }
            }
        }
    }

    private func sweep(_ due: [PreviewToken], _ carryOut: () async -> Void) async {
        mirror.forgetOldEnds()
        // While the time is not known, this has not been logged yet.
        outage.recordSweepResponse()
        guard policy.isEnabled else { return brake.sweepSucceeded(stillDue: []) }
        await carryOut()
        brake.sweepSucceeded(stillDue: Set(due))
    }

    /// The due deletions from this replica's copy; `nil` if the copy is not reliable.
    private func dueInCopy() async -> [ReapKey]? {
        guard mirror.isComplete, await feed.isAlive() else { return nil }
        outage.recordSweepResponse()
        return mirror.allDue(now: clusterTime.reading()?.earliest, minExpiry: outage.minExpiry)
    }

    /// The due deletions from lists of everything, which need no watch.
    private func dueInLists() async throws(ClusterError) -> [DueDeletion] {
        try await ReapSurvey.listing(
            objects,
            mirror: mirror,
            claims: claimUIDs,
            clusterTime: clusterTime,
            minExpiry: { token, now in
                // The lists were read, so the API server answers.
                outage.recordSweepResponse()
                return outage.minExpiry(token, now: now)
            },
            evaluator: ReapEvaluator(policy: policy)
        ).deletions
    }

    /// The existing claims; `nil` if they are not known or not relevant.
    ///
    /// The copy of the watch saves the sweep a request. A claim that it calls gone is read live before anything is
    /// deleted, and one that it wrongly calls present is found when the watch works again.
    private func claimUIDs() async -> Set<String>? {
        guard policy.isEnabled, !policy.lifetime.keepsAfterRun else { return nil }
        if let known = mirror.claimUIDs() { return known }
        do {
            return Set(try await objects.claims().map(\.uid))
        } catch {
            // Everything else can be evaluated without the claims.
            logger.error("the runs' claims could not be listed", metadata: ["error": "\(error)"])
            return nil
        }
    }

    // MARK: Carrying out

    private func record(_ outcome: ReapOutcome, of deletion: DueDeletion) {
        var metadata: Logger.Metadata = [
            "preview": "\(deletion.token.fingerprint)", "reason": "\(deletion.reason.rawValue)",
        ]
        if let run = deletion.run { metadata["run"] = "\(run)" }
        if case .failed(let error) = outcome {
            guard !Task.isCancelled else { return }
            // The failure may concern only this object, so it is only a reason to check all of them.
            outage.recordSuspectedFailure()
            brake.deletionFailed(of: deletion.token, error)
            // It is tried again every two seconds, and what refuses one deletion often refuses all.
            if let heldBack = failedDeletions.admit("\(error)") {
                metadata["error"] = "\(error)"
                metadata["held_back"] = "\(heldBack)"
                logger.error("a preview could not be deleted", metadata: metadata)
            }
            // The deletion may have taken effect although its response was lost. Then only the Service is left, and
            // needs no grace time.
            mirror.recordEnd(of: deletion.token, checkAt: instantOfRetry)
            return retryLater(deletion)
        }
        // Without a request, the outcome is no evidence about the API server.
        if outcome != .averted(.notDue) {
            outage.recordResponse()
            brake.deletionCompleted(of: deletion.token)
        }
        mirror.record(outcome, of: deletion)
        switch outcome {
        case .reaped(let reason):
            metrics.countReaped(reason, lag: lag(of: deletion, for: reason))
            if case .route(let preview) = deletion.target, let event = TimelineEvent.reaped(preview, for: reason) {
                timeline.record(event)
            }
            logger.info("a preview was reaped", metadata: metadata.merging(["reason": "\(reason.rawValue)"]) { $1 })
        case .averted(let keepReason):
            metrics.countAverted(keepReason)
            logger.info("a preview was kept after its deletion was decided", metadata: metadata)
            retryLater(deletion)
        case .alreadyGone, .failed:
            break
        }
    }

    /// How long after its deadline a preview was deleted; `nil` if it was deleted for another reason.
    private func lag(of deletion: DueDeletion, for reason: ReapReason) -> Duration? {
        guard case .route(let preview) = deletion.target, reason == .idle || reason == .hardCap else { return nil }
        return clusterTime.reading()?.latest.duration(since: preview.deadline(policy: policy.lifetime))
    }

    private func retryLater(_ deletion: DueDeletion) {
        switch deletion.target {
        case .route(let preview): mirror.retry(.route(preview.token), at: instantOfRetry)
        case .backend(let backend): mirror.retry(.backend(backend.token), at: instantOfRetry)
        }
    }

    /// A little later; if the time is not known, as soon as it is.
    private var instantOfRetry: Date {
        (clusterTime.reading()?.latest).map { $0 + ReapExecution.retryDelay } ?? .distantPast
    }
}

/// The intervals between sweeps. Values only.
///
/// A failed sweep is retried soon, and at growing intervals while it keeps failing: neither the start of a replica nor
/// the end of an outage should wait for the next regular sweep.
struct SweepPauses: Hashable, Sendable {
    /// The pause after the first failure; it doubles with each further one, up to the sweep interval.
    static let firstRetry = Duration.milliseconds(500)
    /// A regular sweep may come earlier by this part of the interval, so that replicas spread out.
    private static let jitterOfSweeps = 0.1
    /// A retry may come earlier by this part of its pause: replicas lose the API server at the same moment.
    private static let jitterOfRetries = 0.5

    private let interval: Duration
    /// The pause after the next failure.
    private var nextRetry: Duration

    init(interval: Duration) {
        self.interval = interval
        nextRetry = min(Self.firstRetry, interval)
    }

    /// The pause after a successful sweep.
    ///
    /// - Parameter jitter: A random number in 0..<1.
    mutating func succeeded(jitter: Double) -> Duration {
        nextRetry = min(Self.firstRetry, interval)
        return interval * (1 - Self.jitterOfSweeps * jitter)
    }

    /// The pause after a failed sweep.
    ///
    /// - Parameter jitter: A random number in 0..<1.
    mutating func failed(jitter: Double) -> Duration {
        defer { nextRetry = min(nextRetry * 2, interval) }
        return nextRetry * (1 - Self.jitterOfRetries * jitter)
    }
}
