import HTTPTransport

/// A ``CurlLoop`` on its thread, as other threads see it.
final class CurlEngine: Sendable {
    let mailbox: Mailbox
    private let thread: CurlThread

    /// - Parameters:
    ///   - generation: What the engines of a transport have in common.
    ///   - streams: The mailbox of the engine of the transport's streams, for the other one.
    init(
        _ configuration: CurlConfiguration,
        mode: CurlLoop.Mode,
        generation: ConnectionGeneration,
        streams: Mailbox? = nil
    ) throws(TransportError) {
        let multi = try MultiHandle()
        let mailbox = Mailbox(waking: multi)
        self.mailbox = mailbox
        thread = try CurlThread {
            CurlLoop(
                multi,
                mailbox: mailbox,
                configuration: configuration,
                mode: mode,
                generation: generation,
                streams: streams
            ).run()
        }
    }

    deinit {
        mailbox.close()
        thread.detach()
    }

    /// Counts what is alive after everything asked for so far; nothing is once the engine is shut down.
    func census() async -> CurlLoop.Census {
        await withCheckedContinuation { continuation in
            if mailbox.submit(.count(continuation)) != nil { continuation.resume(returning: CurlLoop.Census()) }
        }
    }

    /// Aborts what runs and waits until the thread is gone.
    func shutdown() async {
        mailbox.close()
        await thread.join()
    }
}
