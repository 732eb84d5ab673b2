import HTTPTransport
import Synchronization

/// The runner of one ``UploadBuffer``, between the writer's task and the thread of the ``CurlLoop``.
final class Upload: Sendable {
    /// A waiting writer is resumed with whether it may write.
    private typealias Buffer = UploadBuffer<CheckedContinuation<Bool, Never>>

    private let buffer: Mutex<Buffer>
    /// The time at which the connection last asked for data.
    private let lastTakeTime: Mutex<ContinuousClock.Instant>

    init(length: Int?, maxBufferedBytes: Int) {
        buffer = Mutex(Buffer(length: length, maxBufferedBytes: maxBufferedBytes))
        lastTakeTime = Mutex(.now)
    }

    var hasBegun: Bool { buffer.withLock { $0.hasBegun } }

    /// Whether the peer accepts no more of the body, for example because it has responded.
    var isOver: Bool { buffer.withLock { $0.isOver } }

    /// The time since which the connection has asked for no data.
    var idleSince: ContinuousClock.Instant { lastTakeTime.withLock { $0 } }

    // MARK: The writer's side

    /// Produces the body with `upload`.
    ///
    /// - Parameter resume: Called when data is available after the connection has waited for it.
    /// - Throws: The error of `upload`, or ``TransportError`` if the body does not have the declared length.
    func run(_ upload: TransportUpload, resume: @escaping @Sendable () -> Void) async throws {
        guard await waitForRoom() else { return }
        try await upload.write(
            TransportUploadWriter { [self] chunk in
                try accept(buffer.withLock { $0.append(chunk) }, resume)
                guard await waitForRoom() else { throw Self.noLongerNeeded }
            }
        )
        try accept(buffer.withLock { $0.complete() }, resume)
    }

    private func waitForRoom() async -> Bool {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                switch buffer.withLock({ $0.wait(continuation) }) {
                case .write: continuation.resume(returning: true)
                case .over: continuation.resume(returning: false)
                case .wait: break
                }
            }
        } onCancel: {
            end()
        }
    }

    private func accept(_ acceptance: Buffer.Acceptance, _ resume: () -> Void) throws {
        switch acceptance {
        case .accepted(let resumes): if resumes { resume() }
        case .wrongLength: throw TransportError(.invalidRequest, "the body does not have the declared length")
        case .over: throw Self.noLongerNeeded
        }
    }

    private static let noLongerNeeded = TransportError(.cancelled, "the peer accepts no more of the body")

    // MARK: The loop's side

    /// Copies the next bytes of the body.
    ///
    /// - Returns: The number of bytes; zero at the end of the body, `nil` if no data is available yet.
    func take(into target: UnsafeMutableRawBufferPointer, at now: ContinuousClock.Instant) -> Int? {
        let (taken, writer) = buffer.withLock { $0.take(target.count) }
        lastTakeTime.withLock { $0 = now }
        writer?.resume(returning: true)
        switch taken {
        case .bytes(let bytes):
            target.copyBytes(from: bytes)
            return bytes.count
        case .end: return 0
        case .nothingYet: return nil
        }
    }

    /// Ends the body: no more of it is needed.
    func end() {
        buffer.withLock { $0.end() }?.resume(returning: false)
    }
}
