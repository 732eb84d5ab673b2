internal import PreviewDomain
internal import ServiceLifecycle

/// Probes previews again that were reported as not working, so that the timeline has an event when they do
/// (`preview.ready`).
///
/// It is the only prober of this replica that is not triggered by a caller: for each preview at most one probe in
/// ``ReadinessCache/lifetime``, and none if callers have probed it in the meantime. Each replica follows the previews
/// that it reported; the timeline keeps one event.
public struct ReadinessFollower: NamedService {
    private let previews: Previews

    /// The longest pause between two checks, which bounds the delay for a preview that was just reported.
    private static let longestPause = Duration.seconds(10)
    private static let shortestPause = Duration.milliseconds(100)
    /// The number of concurrent probes.
    private static let maxConcurrentProbes = 4

    init(previews: Previews) {
        self.previews = previews
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await follow() }
    }

    private func follow() async {
        while !Task.isCancelled {
            await previews.readinessCache.takeDueProbes().forEach(maxConcurrent: Self.maxConcurrentProbes) {
                await probe($0)
            }
            let next = await previews.readinessCache.nextProbe.map { $0 - previews.time.uptime() } ?? Self.longestPause
            do { try await previews.time.sleep(max(min(next, Self.longestPause), Self.shortestPause)) } catch { return }
        }
    }

    private func probe(_ due: UnreadyPreviews.DueProbe) async {
        guard let preview = previews.mirror.lastSeenRoute(due.preview.token), !preview.isBeingDeleted else {
            await previews.readinessCache.forget(due.preview.token)
            return
        }
        _ = await previews.readinessCache.recent(of: preview) {
            await previews.probeReadinessAgain(of: preview, mayTryHTTP2: due.mayTryHTTP2)
        }
    }
}
