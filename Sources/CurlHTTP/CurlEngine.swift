import CCurl
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
        do throws(TransportError) {
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
        } catch {
            mailbox.forgetHandle()
            multi.free()
            throw error
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

/// A `CURLM`.
///
/// `@unchecked Sendable`: it is made by the task that starts the thread, then only that thread uses it. The exceptions are
/// ``wakeUp()``, which libcurl documents as callable from any thread, and ``free()``.
struct MultiHandle: @unchecked Sendable {
    let raw: UnsafeMutableRawPointer

    init() throws(TransportError) {
        guard let raw = curl_multi_init() else {
            throw TransportError(.invalidRequest, "libcurl could not be initialised")
        }
        self.raw = raw
    }

    /// Frees the handle where no thread could be started for it.
    func free() {
        _ = curl_multi_cleanup(raw)
    }

    /// Ends the current or else the next sleep of the thread.
    func wakeUp() {
        _ = curl_multi_wakeup(raw)
    }
}
