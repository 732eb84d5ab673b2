import Synchronization

/// Ends one request from outside of the task that sent it.
///
/// It is for whoever learns in a callback that nobody wants the answer any more, where the task cannot be cancelled.
public final class TransportAbort: Sendable {
    private struct State {
        var isAborted = false
        var action: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    public init() {}

    /// True once the request was ended this way.
    public var isAborted: Bool { state.withLock { $0.isAborted } }

    /// Ends the request, now or once it is sent; the second call does nothing.
    public func abort() {
        let action = state.withLock { state in
            state.isAborted = true
            return state.action.take()
        }
        action?()
    }

    /// Says how to end the request. A transport calls this when the request is sent, and with `nil` when it is over.
    public func whenAborted(_ action: (@Sendable () -> Void)?) {
        let isAborted = state.withLock { state in
            state.action = state.isAborted ? nil : action
            return state.isAborted
        }
        if isAborted { action?() }
    }
}
