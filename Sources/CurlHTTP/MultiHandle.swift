import CCurl
import HTTPTransport

/// A `CURLM`.
///
/// `@unchecked Sendable`: it is made by the task that starts the thread, then only that thread uses it. The exception is
/// ``wakeUp()``, which libcurl documents as callable from any thread.
struct MultiHandle: @unchecked Sendable {
    let raw: UnsafeMutableRawPointer

    init() throws(TransportError) {
        guard let raw = curl_multi_init() else {
            throw TransportError(.invalidRequest, "libcurl could not be initialised")
        }
        self.raw = raw
    }

    /// Ends the current or else the next sleep of the thread.
    func wakeUp() {
        _ = curl_multi_wakeup(raw)
    }
}
