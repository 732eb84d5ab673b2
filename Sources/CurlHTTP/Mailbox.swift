import HTTPTransport
import Synchronization

/// The messages from all tasks to the one thread of a ``CurlLoop``.
///
/// A sender wakes the thread only when it is about to sleep, so that a burst costs one wake-up.
final class Mailbox: Sendable {
    /// What the loop is asked to do.
    enum Message: Sendable {
        case start(Exchange)
        case unpause(Exchange)
        /// There is more of the request's body, or its end.
        case resumeUpload(Exchange)
        case abort(Exchange)
        /// End the streams that may have met the fate of this connection.
        case cutOff(SilentConnection)
        /// Count what is alive, after all messages that came before.
        case count(CheckedContinuation<CurlLoop.Census, Never>)
    }

    private struct State {
        var messages: [Message] = []
        var isThreadAsleep = false
        var isClosed = false
    }

    private let state = Mutex(State())
    private let multi: Mutex<MultiHandle?>

    init(waking multi: MultiHandle) {
        self.multi = Mutex(multi)
    }

    /// Leaves a message for the thread.
    ///
    /// - Returns: Why it was not taken; `nil` when it was.
    func submit(_ message: Message) -> TransportError? {
        let (isClosed, wakes) = state.withLock { state in
            guard !state.isClosed else { return (true, false) }
            state.messages.append(message)
            defer { state.isThreadAsleep = false }
            return (false, state.isThreadAsleep)
        }
        if wakes { wake() }
        return isClosed ? .shutDown : nil
    }

    /// Refuses all further messages; the thread ends once it has aborted what runs.
    func close() {
        let wakes = state.withLock { state in
            state.isClosed = true
            defer { state.isThreadAsleep = false }
            return state.isThreadAsleep
        }
        if wakes { wake() }
    }

    private func wake() {
        // Under the lock, so that the handle cannot be freed meanwhile.
        multi.withLock { $0?.wakeUp() }
    }

    // MARK: The thread's side

    /// Moves all messages into `batch`, which must be empty and whose storage is reused.
    ///
    /// - Returns: True once the mailbox is closed.
    func takeAll(into batch: inout [Message]) -> Bool {
        state.withLock { state in
            state.isThreadAsleep = false
            swap(&state.messages, &batch)
            return state.isClosed
        }
    }

    /// Announces that the thread sleeps next. False when there is something to do first.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            state.isThreadAsleep = state.messages.isEmpty && !state.isClosed
            return state.isThreadAsleep
        }
    }

    /// The multi handle is about to be freed: nobody may wake it any more.
    func forgetHandle() {
        multi.withLock { $0 = nil }
    }
}
