import HTTPTransport
import Synchronization

#if canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// A POSIX thread whose end can be awaited.
///
/// It is not a task because it blocks in `curl_multi_poll`, and threads of Swift's cooperative pool must not block.
final class CurlThread: Sendable {
    private struct State {
        /// `nil` after the thread was joined or detached.
        var handle: pthread_t?
        var hasEnded = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())
    private let body: @Sendable () -> Void

    /// Starts a thread that calls `body`.
    ///
    /// - Throws: ``TransportError`` if the thread cannot be started.
    init(_ body: @escaping @Sendable () -> Void) throws(TransportError) {
        self.body = body
        let code = state.withLock { state in
            let context = Unmanaged.passRetained(self).toOpaque()
            #if canImport(Darwin)
                let code = pthread_create(&state.handle, nil, runCurlThread, context)
            #else
                var handle = pthread_t()
                let code = pthread_create(&handle, nil, runCurlThread, context)
                state.handle = handle
            #endif
            if code != 0 {
                Unmanaged<CurlThread>.fromOpaque(context).release()
                state.handle = nil
            }
            return code
        }
        guard code == 0 else {
            throw TransportError(.invalidRequest, "a thread could not be started (error \(code))")
        }
    }

    fileprivate func run() {
        // OpenSSL writes to sockets without MSG_NOSIGNAL. With the signal blocked, writing to a closed connection fails with
        // EPIPE instead of ending the process.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        body()
        let waiters = state.withLock { state in
            state.hasEnded = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Waits until the thread has ended, and releases its resources.
    func join() async {
        await withCheckedContinuation { continuation in
            let hasEnded = state.withLock { state in
                if !state.hasEnded { state.waiters.append(continuation) }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
        // The body has returned, so this blocks for the thread's last instructions only.
        state.withLock { state in
            if let handle = state.handle.take() { pthread_join(handle, nil) }
        }
    }

    /// Lets the system release the thread's resources when it ends. For threads that nothing joins.
    func detach() {
        state.withLock { state in
            if let handle = state.handle.take() { pthread_detach(handle) }
        }
    }
}

#if canImport(Darwin)
    private func runCurlThread(_ context: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        Unmanaged<CurlThread>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
#else
    private func runCurlThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context else { return nil }
        Unmanaged<CurlThread>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
#endif
