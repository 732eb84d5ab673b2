import HTTPTransport
import Synchronization

/// The messages from tasks to the thread of a ``CurlLoop``.
///
/// A sender wakes the thread only if it is about to wait, so a burst of messages causes one wake-up.
final class Mailbox: Sendable {
    /// A message to the loop.
    enum Message: Sendable {
        /// Start an exchange.
        case start(Exchange)
        /// Continue to read, because the reader has caught up.
        case unpause(Exchange)
        /// Abort an exchange.
        case abort(Exchange)
        /// End the streams on connections that may be broken like this one.
        case cutOff(SilentConnection)
        /// Count the transfers and handles, after all earlier messages.
        case count(CheckedContinuation<CurlLoop.TransferCounts, Never>)
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

    /// Adds a message for the thread.
    ///
    /// - Returns: The error if the mailbox is closed; otherwise `nil`.
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

    /// Refuses all further messages. The thread then aborts all transfers and ends.
    func close() {
        let wakes = state.withLock { state in
            state.isClosed = true
            defer { state.isThreadAsleep = false }
            return state.isThreadAsleep
        }
        if wakes { wake() }
    }

    private func wake() {
        // Under the lock, so that the handle is not freed meanwhile.
        multi.withLock { $0?.wakeUp() }
    }

    // MARK: The thread's side

    /// Moves all messages into `batch`, which must be empty and whose storage is reused.
    ///
    /// - Returns: Whether the mailbox is closed.
    func takeAll(into batch: inout [Message]) -> Bool {
        state.withLock { state in
            state.isThreadAsleep = false
            swap(&state.messages, &batch)
            return state.isClosed
        }
    }

    /// Announces that the thread will wait.
    ///
    /// - Returns: False if there are messages, or the mailbox is closed; the thread must not wait then.
    func prepareToSleep() -> Bool {
        state.withLock { state in
            state.isThreadAsleep = state.messages.isEmpty && !state.isClosed
            return state.isThreadAsleep
        }
    }

    /// Prevents further wake-ups, because the `CURLM` handle is about to be freed.
    func forgetHandle() {
        multi.withLock { $0 = nil }
    }
}
