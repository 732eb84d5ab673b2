internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#else
    internal import Glibc
#endif

/// Writes lines to a file descriptor. Lines of concurrent callers are not interleaved.
///
/// The descriptor may be the end of a pipe, and blocking or not, because whoever started the process decides that. A line that
/// cannot be written is dropped: an unwritable log must not stop the service.
final class LineWriter: Sendable, TextOutputStream {
    /// The longest time that a line waits for a full pipe.
    static let maxWait = Duration.milliseconds(100)
    static let standardError = LineWriter(STDERR_FILENO)

    private let descriptor: Int32
    private let maxWait: Duration
    private let state = Mutex(State())

    private struct State {
        /// Whether the output ends in the middle of a line, whose rest was dropped.
        var isLineIncomplete = false
        /// Whether the last line has waited in vain. Then lines do not wait until one was written, so that a reader that has
        /// stopped does not slow the service.
        var isFull = false
    }

    init(_ descriptor: Int32, maxWait: Duration = maxWait) {
        self.descriptor = descriptor
        self.maxWait = maxWait
    }

    /// - Parameter line: One line, including its newline.
    func write(_ line: String) {
        state.withLock { state in
            let bytes = Array((state.isLineIncomplete ? "\n" : "").utf8) + Array(line.utf8)
            let count = write(bytes, within: state.isFull ? .zero : maxWait)
            if count > 0 { state.isLineIncomplete = count < bytes.count }
            state.isFull = count < bytes.count
        }
    }

    /// The number of bytes that were written.
    private func write(_ bytes: [UInt8], within limit: Duration) -> Int {
        let deadline = ContinuousClock.now + limit
        var rest = bytes[...]
        while !rest.isEmpty, waitUntilWritable(until: deadline) {
            // More bytes than these could block although the pipe is writable (POSIX, `write`).
            let part = rest.prefix(Int(PIPE_BUF))
            #if canImport(Darwin)
                let written = part.withUnsafeBytes { Darwin.write(descriptor, $0.baseAddress, $0.count) }
            #else
                let written = part.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            #endif
            if written > 0 {
                rest = rest.dropFirst(written)
            } else if written < 0, errno == EAGAIN {
                // Another process has filled the pipe.
                guard ContinuousClock.now < deadline else { break }
            } else if written == 0 || errno != EINTR {
                break
            }
        }
        return bytes.count - rest.count
    }

    /// - Returns: False if the descriptor is not writable at the deadline.
    private func waitUntilWritable(until deadline: ContinuousClock.Instant) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        while true {
            let left = max(deadline - .now, .zero)
            // Rounded up, so that the last wait does not become a busy loop.
            let ready = poll(&entry, 1, Int32(clamping: Int64((left / .milliseconds(1)).rounded(.up))))
            if ready > 0 { return true }
            guard ready < 0, errno == EINTR else { return false }
        }
    }
}
