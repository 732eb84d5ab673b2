import CCurl
import HTTPTransport

/// A ``CurlLoop`` and its thread, with the operations that other threads may perform.
final class CurlEngine: Sendable {
    let mailbox: Mailbox
    private let thread: CurlThread

    /// Creates the loop and starts its thread.
    ///
    /// - Parameters:
    ///   - generation: The generation of connections that all engines of a transport share.
    ///   - streams: The mailbox of the transport's engine for streams; `nil` for that engine itself.
    /// - Throws: ``TransportError`` if libcurl or the thread cannot be initialised.
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

    /// Counts the transfers and idle handles after all earlier messages were handled; zero after ``shutdown()``.
    func transferCounts() async -> CurlLoop.TransferCounts {
        await withCheckedContinuation { continuation in
            if mailbox.submit(.count(continuation)) != nil { continuation.resume(returning: CurlLoop.TransferCounts()) }
        }
    }

    /// Aborts all transfers and waits until the thread has ended.
    func shutdown() async {
        mailbox.close()
        await thread.join()
    }
}

/// A `CURLM` handle.
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

    /// Ends the thread's current wait in `curl_multi_poll`, or its next one.
    func wakeUp() {
        _ = curl_multi_wakeup(raw)
    }
}
