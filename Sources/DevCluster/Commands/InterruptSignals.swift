import UnixSignals

/// SIGINT (Ctrl-C) and SIGTERM.
enum InterruptSignals {
    /// Returns at the first of them, or when the task is cancelled.
    static func wait() async {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        for await _ in signals { return }
    }
}
