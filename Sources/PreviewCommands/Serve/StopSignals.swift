internal import Logging
internal import PreviewControl
internal import PreviewServer
internal import ServiceLifecycle
internal import UnixSignals

/// What signals to stop do: the first begins the stop, a second one shortens it.
struct StopSignals {
    let signals: [UnixSignal]
    let draining: Draining
    let time: MonotonicTime
    let logger: Logger

    /// How long what runs may go on after a second signal. The listener is closed by then: a server that is cancelled
    /// while it accepts connections can end the process (swift-nio issue 2637).
    private static let patience = Duration.seconds(2)

    /// Runs `services` until they have stopped.
    func run(_ services: ServiceGroup) async throws {
        guard !signals.isEmpty else { return try await services.run() }
        let signals = await UnixSignalsSequence(trapping: signals)
        try await withThrowingTaskGroup(of: End.self) { group in
            group.addTask {
                try await services.run()
                return .stopped
            }
            group.addTask {
                await follow(signals, services)
                return .patienceIsOver
            }
            let end = try await group.next()
            group.cancelAll()
            // What is cancelled says so by throwing.
            if end == .patienceIsOver { while (try? await group.next()) != nil {} }
        }
    }

    private enum End {
        case stopped
        case patienceIsOver
    }

    private func follow(_ signals: UnixSignalsSequence, _ services: ServiceGroup) async {
        var iterator = signals.makeAsyncIterator()
        guard let first = await iterator.next() else { return }
        logger.info("a signal to stop came; new requests are still taken for a while", metadata: ["signal": "\(first)"])
        await services.triggerGracefulShutdown()
        guard let second = await iterator.next() else { return }
        logger.info("a second signal to stop came; what runs is cut short", metadata: ["signal": "\(second)"])
        draining.cutShort()
        try? await time.sleep(Self.patience)
    }
}
