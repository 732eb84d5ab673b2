public import PreviewControl
internal import Synchronization

/// A decision that a test takes.
public final class ScriptedApproval: Sendable {
    public enum Decision: Sendable {
        case approve
        case refuse(PreviewError)
    }

    private struct State {
        var decisions: [Decision] = []
        var waiting: [AsyncStream<Decision>.Continuation] = []
        var abandoned = 0
    }

    private let state = Mutex(State())

    public init() {}

    /// How many calls wait, and how many were given up.
    public var waitingCount: Int { state.withLock { $0.waiting.count } }
    public var abandonedCount: Int { state.withLock { $0.abandoned } }

    /// Decides now, or as soon as somebody waits.
    public func decide(_ decision: Decision) {
        let waiting = state.withLock { state in
            defer { state.waiting = [] }
            if state.waiting.isEmpty { state.decisions.append(decision) }
            return state.waiting
        }
        for continuation in waiting { continuation.yield(decision) }
    }

    public func wait(_ onPending: @Sendable (String) -> Void) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Decision.self)
        let known = state.withLock { state -> Decision? in
            if !state.decisions.isEmpty { return state.decisions.removeFirst() }
            state.waiting.append(continuation)
            return nil
        }
        if let known { return try Self.carryOut(known) }
        onPending("A human has to approve request 1a2b3c4d.")
        for await decision in stream { return try Self.carryOut(decision) }
        state.withLock { $0.abandoned += 1 }
        throw CancellationError()
    }

    private static func carryOut(_ decision: Decision) throws {
        if case .refuse(let error) = decision { throw error }
    }
}
