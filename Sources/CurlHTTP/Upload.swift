import HTTPTransport
import Synchronization

/// The runner of one ``UploadBuffer``: the writer's task on one side, the thread of the ``CurlLoop`` on the other.
final class Upload: Sendable {
    /// Who waits learns whether to write.
    private typealias Buffer = UploadBuffer<CheckedContinuation<Bool, Never>>

    let length: Int?
    private let buffer: Mutex<Buffer>
    /// When the connection last took something.
    private let lastTaken: Mutex<ContinuousClock.Instant>

    init(length: Int?, maxBufferedBytes: Int) {
        self.length = length
        buffer = Mutex(Buffer(length: length, maxBufferedBytes: maxBufferedBytes))
        lastTaken = Mutex(.now)
    }

    var hasBegun: Bool { buffer.withLock { $0.hasBegun } }

    /// True once the peer wants no more, be it because it has answered.
    var isOver: Bool { buffer.withLock { $0.isOver } }

    /// Since when no part of the body has been sent.
    var quietSince: ContinuousClock.Instant { lastTaken.withLock { $0 } }

    // MARK: The writer's side

    /// Lets `upload` write its body.
    ///
    /// - Parameter resume: Called when the connection may ask again.
    /// - Throws: What the body throws, or ``TransportError`` where it contradicts its length.
    func run(_ upload: TransportUpload, resume: @escaping @Sendable () -> Void) async throws {
        guard await waitForRoom() else { return }
        try await upload.write(
            TransportUploadWriter { [self] chunk in
                try accept(buffer.withLock { $0.append(chunk) }, resume)
                guard await waitForRoom() else { throw Self.notWanted }
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
        case .wrongLength: throw TransportError(.invalidRequest, "the body has not the length that was declared")
        case .over: throw Self.notWanted
        }
    }

    private static let notWanted = TransportError(.cancelled, "the peer wants no more of the body")

    // MARK: The loop's side

    /// Copies the next bytes.
    ///
    /// - Returns: How many; zero at the end, `nil` while there are none.
    func take(into target: UnsafeMutableRawBufferPointer, at now: ContinuousClock.Instant) -> Int? {
        let (taken, writer) = buffer.withLock { $0.take(target.count) }
        lastTaken.withLock { $0 = now }
        writer?.resume(returning: true)
        switch taken {
        case .bytes(let bytes):
            target.copyBytes(from: bytes)
            return bytes.count
        case .end: return 0
        case .nothingYet: return nil
        }
    }

    /// Nobody wants more of the body.
    func end() {
        buffer.withLock { $0.end() }?.resume(returning: false)
    }
}
