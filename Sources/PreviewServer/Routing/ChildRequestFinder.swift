internal import Basics
internal import CoreAPI
public import PreviewControl
internal import PreviewDomain
public import PreviewIdentity
internal import ServiceLifecycle
internal import Synchronization

/// Finds the pending requests of child runs for the readers of forwarded event streams, as ``ChildRequests`` decides.
///
/// The front end shows a child run's requests on the page of its parent. The core API adds only its own requests to the
/// parent's stream.
///
/// Readers' bearer tokens are in memory as long as their streams are open. The core API gets no request as long as no
/// stream is open, or no request is pending.
public final class ChildRequestFinder: NamedService {
    private struct State {
        var decisions = ChildRequests()
        var readers: [ChildRequests.StreamID: @Sendable () -> Void] = [:]
    }

    /// The largest number of concurrent requests to the core API.
    static let maxLookups = 4
    /// How long a request without an answer occupies its place, so that an unavailable core API gets few requests.
    static let retryDelay = Duration.seconds(5)

    private let gate: AgentPreviewGate
    private let authority: CoreAPIAuthority
    private let time: MonotonicTime
    private let lookups = ConcurrencyLimit(maxLookups)
    private let state = Mutex(State())
    private let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - gate: Has the pending requests.
    ///   - authority: Requests runs with readers' bearer tokens, and caches the responses.
    public init(gate: AgentPreviewGate, authority: CoreAPIAuthority, time: MonotonicTime) {
        self.gate = gate
        self.authority = authority
        self.time = time
    }

    /// Runs until the task is cancelled or a graceful shutdown begins.
    public func run() async throws {
        let observation = gate.observePendingRequests { [change] in change.yield() }
        defer { observation.cancel() }
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                for await _ in self.changes {
                    self.readPendingRequests()
                    while let lookup = self.beginLookup() { group.addTask { await self.perform(lookup) } }
                }
                group.cancelAll()
            }
        }
    }

    // MARK: Readers

    /// A reader's interest in the requests of a run's children.
    struct Subscription: Sendable {
        fileprivate let finder: ChildRequestFinder
        fileprivate let id: ChildRequests.StreamID

        /// The requests that the reader gets, the oldest first.
        var requests: [Approval] { finder.state.withLock { $0.decisions.requests(for: id) } }

        func cancel() {
            finder.state.withLock { state in
                state.decisions.close(id)
                state.readers[id] = nil
            }
        }
    }

    /// Calls `changed` whenever the pending requests of the run's children may have changed for this reader.
    ///
    /// - Parameters:
    ///   - bearer: The reader's bearer token; the core API has shown the run's events to it.
    ///   - changed: It must not block.
    func follow(_ run: RunID, as bearer: Secret, _ changed: @escaping @Sendable () -> Void) -> Subscription {
        let (id, hasRequests) = state.withLock { state in
            let id = state.decisions.open(run, as: bearer)
            state.readers[id] = changed
            return (id, !state.decisions.requests(for: id).isEmpty)
        }
        if hasRequests { changed() }
        change.yield()
        return Subscription(finder: self, id: id)
    }

    // MARK: Requests to the core API

    private func readPendingRequests() {
        guard state.withLock({ $0.decisions.hasStreams }) else { return }
        let pending = gate.cachedPendingRequests()
        update { $0.pendingChanged(pending) }
    }

    /// - Returns: `nil` if nothing is to be requested, or too many requests are in progress.
    private func beginLookup() -> ChildRequests.Lookup? {
        guard lookups.acquire() else { return nil }
        let lookup = state.withLock { $0.decisions.nextLookup() }
        if lookup == nil { lookups.release() }
        return lookup
    }

    private func perform(_ lookup: ChildRequests.Lookup) async {
        let answer = await answer(to: lookup)
        if answer == .unavailable { try? await time.sleep(Self.retryDelay) }
        update { $0.lookup(lookup, ended: answer) }
        lookups.release()
        change.yield()
    }

    private func answer(to lookup: ChildRequests.Lookup) async -> ChildRequests.Answer {
        do throws(AccessDenied) {
            return .shown(parent: try await authority.run(lookup.run, seenBy: lookup.bearer).parentRunID)
        } catch {
            switch error.kind {
            case .unauthenticated, .forbidden, .runNotFound: return .hidden
            case .unavailable, .cancelled: return .unavailable
            }
        }
    }

    /// Changes the decisions, and notifies the readers that are concerned.
    private func update(_ change: (inout ChildRequests) -> [ChildRequests.StreamID]) {
        let changed = state.withLock { state in
            change(&state.decisions).compactMap { state.readers[$0] }
        }
        for reader in changed { reader() }
    }
}
