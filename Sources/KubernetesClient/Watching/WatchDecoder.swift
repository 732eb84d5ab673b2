import HTTPTransport
import KubernetesModel
import Synchronization

/// Splits the body of a watch into frames, one for each line, and decodes them.
///
/// An incomplete frame at the end of the stream is never decoded: the watch has ended, and the next one sends the
/// change again.
struct WatchDecoder<Object: JSONReadable> {
    private let maxFrameBytes: Int
    private var buffer: [UInt8] = []
    /// The beginning of the first frame that was not returned yet.
    private var start = 0
    /// The position up to which the buffer contains no further end of a line.
    private var searched = 0

    /// Makes a decoder that refuses frames of more than `maxFrameBytes`.
    init(maxFrameBytes: Int) {
        self.maxFrameBytes = maxFrameBytes
    }

    /// Adds received bytes. All complete frames have to be taken with ``next()`` before the next call.
    mutating func append(_ chunk: [UInt8]) {
        if start > 0 {
            buffer.removeFirst(start)
            searched -= start
            start = 0
        }
        buffer += chunk
    }

    /// The next complete frame, or `nil` until more arrives.
    ///
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/decoding`` if the frame is not an event, or too
    ///   long.
    mutating func next() throws -> WatchEvent<Object>? {
        while let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let frame = buffer[start..<end]
            start = end + 1
            searched = start
            guard frame.count <= maxFrameBytes else { throw Self.tooLong(maxFrameBytes) }
            if frame.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\r") }) { continue }
            do {
                return try WatchEvent(json: frame)
            } catch {
                throw KubernetesError(.decoding, "a frame of the watch could not be decoded")
            }
        }
        searched = buffer.count
        guard buffer.count - start <= maxFrameBytes else { throw Self.tooLong(maxFrameBytes) }
        return nil
    }

    private static func tooLong(_ limit: Int) -> KubernetesError {
        KubernetesError(.decoding, "a frame of the watch is longer than \(limit) bytes")
    }
}

extension TransportBody {
    /// Passes this body to `handle`. The body ends early if nothing has arrived for `limit` while the reader waited,
    /// and on a request to `liveness`.
    ///
    /// A single task waits for both as long as the body lasts, so that a chunk costs neither a task nor a timer.
    func withCutOff(
        afterSilenceOf limit: Duration,
        or liveness: WatchLiveness? = nil,
        on clock: any Clock<Duration>,
        _ handle: @Sendable (TransportBody) async throws -> Void
    ) async throws {
        let readerWait = ReaderWait(clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await readerWait.waitUntilItLasts(limit)
                end()
            }
            if let liveness {
                group.addTask {
                    await liveness.untilReopenIsRequested()
                    end()
                }
            }
            defer { group.cancelAll() }
            let chunks = makeAsyncIterator()
            try await handle(
                TransportBody {
                    readerWait.begin()
                    defer { readerWait.end() }
                    return try await chunks.next()
                } stopReceiving: {
                    end()
                }
            )
        }
    }
}

/// How long the reader has waited for a body.
private final class ReaderWait: Sendable {
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    /// When the wait began; `nil` if the reader does not wait.
    private let beginning = Mutex<Duration?>(nil)

    init(clock: any Clock<Duration>) {
        self.clock = clock
        elapsed = clock.stopwatch()
    }

    func begin() {
        let now = elapsed()
        beginning.withLock { $0 = now }
    }

    func end() { beginning.withLock { $0 = nil } }

    /// Returns when it has lasted for `limit`.
    func waitUntilItLasts(_ limit: Duration) async throws {
        while true {
            let now = elapsed()
            let rest = limit - (now - (beginning.withLock { $0 } ?? now))
            guard rest > .zero else { return }
            try await clock.sleep(for: rest)
        }
    }
}
