internal import FoundationEssentials
internal import Logging
internal import PreviewDomain
internal import ServiceLifecycle

/// Ends approvals at their deadlines, even if no call waits for them.
///
/// It sends no request while nothing is due: the deadlines are in the ``ClusterMirror``.
public struct ApprovalExpiryController: NamedService {
    private let gate: AgentPreviewGate
    private let jitter: @Sendable () -> Double
    private let failedWrites: SharedLogThrottle<String>

    /// How long after its deadline an approval is left to a waiting call, and how far replicas spread after that.
    private static let expiryDelay = Duration.seconds(1)
    /// The longest pause between two checks, which bounds the effect of a change of the clock.
    private static let longestPause = Duration.seconds(60)
    /// How long to wait while the cluster's time is unknown, and after a failed write.
    private static let retryDelay = Duration.seconds(2)

    /// - Parameter jitter: Returns a number in 0..<1, by which replicas spread work that all of them do.
    init(gate: AgentPreviewGate, jitter: @escaping @Sendable () -> Double) {
        self.gate = gate
        self.jitter = jitter
        failedWrites = SharedLogThrottle(time: gate.previews.time)
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await expireAtDeadlines() }
    }

    private func expireAtDeadlines() async {
        while !Task.isCancelled {
            guard let now = gate.previews.clusterTime.reading()?.earliest else {
                await pause(atMost: Self.retryDelay)
                continue
            }
            let late = Self.expiryDelay * (1 + jitter())
            for claim in gate.mirror.takeExpired(now: now - late) { await expire(claim, now: now) }
            let next = gate.mirror.nextExpiry.map { $0.duration(since: now) + late } ?? Self.longestPause
            await pause(atMost: next)
        }
    }

    private func expire(_ claim: ClaimRecord, now: Date) async {
        for entry in claim.ledger.entries {
            guard let expiry = entry.approval.expiry, expiry <= now else { continue }
            do {
                _ = try await gate.expire(entry, on: claim)
            } catch {
                guard !Task.isCancelled else { return }
                guard let heldBack = failedWrites.admit("\(error)") else { continue }
                gate.previews.logger.warning(
                    "an approval's end could not be written",
                    metadata: [
                        "run": "\(entry.approval.run)", "request": "\(entry.approval.id.displayID)",
                        "error": "\(error)", "held_back": "\(heldBack)",
                    ]
                )
            }
        }
        // A write comes back through the watch; an approval that was not written is checked again.
        gate.mirror.retry(claim, at: now + Self.retryDelay)
    }

    private func pause(atMost limit: Duration) async {
        await gate.mirror.hasEarlierExpiry.wait(atMost: min(limit, Self.longestPause), gate.previews.time)
    }
}
