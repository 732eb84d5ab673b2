internal import PreviewDomain
public import ServiceLifecycle

/// Looks again at previews whose callers were told that they do not work, so that the timeline says when they do
/// (`preview.ready`).
///
/// It is the one prober of this replica beside its callers: for each preview at most one probe in ``ReadinessMemory/lifetime``, and
/// none where callers have looked meanwhile. What another replica told is looked at there; the timeline keeps one event.
public struct ReadinessFollower: Service {
    private let previews: Previews

    /// The longest pause between two looks at what is due, which bounds how late a preview is found that was told of just now.
    private static let longestPause = Duration.seconds(10)
    private static let shortestPause = Duration.milliseconds(100)
    /// How many previews are opened at once.
    private static let looksAtOnce = 4

    init(previews: Previews) {
        self.previews = previews
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await follow() }
    }

    private func follow() async {
        while !Task.isCancelled {
            await previews.memory.takeDueLooks().forEach(atOnce: Self.looksAtOnce) { look in await self.look(look) }
            let next = await previews.memory.nextLook.map { $0 - previews.time.uptime() } ?? Self.longestPause
            do { try await previews.time.sleep(max(min(next, Self.longestPause), Self.shortestPause)) } catch { return }
        }
    }

    private func look(_ look: UnreadyPreviews.Look) async {
        guard let preview = previews.mirror.knownRoute(look.preview.token), !preview.isBeingDeleted else {
            await previews.memory.forget(look.preview.token)
            return
        }
        _ = await previews.memory.recent(of: preview) {
            await previews.lookAgain(at: preview, mayTryHTTP2: look.mayTryHTTP2)
        }
    }
}

extension ReadinessFollower: CustomStringConvertible {
    /// Its name alone: ServiceLifecycle logs services by their description.
    public var description: String { "ReadinessFollower" }
}
