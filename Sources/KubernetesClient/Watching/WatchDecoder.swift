import HTTPTransport
import KubernetesModel
import Synchronization

/// Cuts the body of a watch into frames, one a line, and decodes them.
///
/// A frame that the stream ends in the middle of is never decoded: the watch has ended, and the next one sends the
/// change again.
struct WatchDecoder<Object: JSONReadable> {
    private let maxFrameBytes: Int
    private var buffer: [UInt8] = []
    /// Where the first frame not yet returned begins.
    private var start = 0
    /// Up to where the buffer is known to hold no further end of a line.
    private var searched = 0

    /// Makes a decoder that refuses frames of more than `maxFrameBytes`.
    init(maxFrameBytes: Int) {
        self.maxFrameBytes = maxFrameBytes
    }

    /// Takes what arrived. All complete frames are to be taken with ``next()`` before the next call.
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
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/decoding`` if the frame is no event, or too long.
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
                throw KubernetesError(.decoding, "a frame of the watch is not what was expected")
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
    /// Hands `handle` this body, which ends early when nothing has arrived for `limit` while it was waited for, and when
    /// somebody asks `liveness`.
    ///
    /// What cuts the body off waits beside it for as long as it lasts, so that a chunk costs neither a task nor a timer.
    func withCutOff(
        afterSilenceOf limit: Duration,
        or liveness: WatchLiveness? = nil,
        on clock: any Clock<Duration>,
        _ handle: @Sendable (TransportBody) async throws -> Void
    ) async throws {
        let silence = Silence(clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await silence.untilItLasts(limit)
                end()
            }
            if let liveness {
                group.addTask {
                    await liveness.untilAsked()
                    end()
                }
            }
            defer { group.cancelAll() }
            let chunks = makeAsyncIterator()
            try await handle(
                TransportBody {
                    silence.begin()
                    defer { silence.end() }
                    return try await chunks.next()
                } stopReceiving: {
                    end()
                }
            )
        }
    }
}

/// How long a body has been waited for.
private final class Silence: Sendable {
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    /// When the waiting began; `nil` while nobody waits.
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
    func untilItLasts(_ limit: Duration) async throws {
        while true {
            let now = elapsed()
            let rest = limit - (now - (beginning.withLock { $0 } ?? now))
            guard rest > .zero else { return }
            try await clock.sleep(for: rest)
        }
    }
}
