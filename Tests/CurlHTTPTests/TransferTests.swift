import HTTPTransport
import HTTPTypes
import Testing

@testable import CurlHTTP

@Suite(.timeLimit(.minutes(10))) struct TransferTests {
    typealias Machine = Transfer<Int, Int>

    private static let failure = TransportError(.protocolViolation, "broken")

    private func streaming(maxBufferedBytes: Int = 8) -> Machine {
        var machine = Machine(maxBufferedBytes: maxBufferedBytes)
        _ = machine.begin(0)
        _ = machine.headArrived(HTTPResponse(status: .ok))
        return machine
    }

    @Test func theHeadIsDeliveredToTheWaitingReader() throws {
        var machine = Machine(maxBufferedBytes: 8)
        #expect(machine.begin(7) == nil)
        #expect(machine.headArrived(HTTPResponse(status: .ok)) == .head(7, .success(HTTPResponse(status: .ok))))
        #expect(machine.headArrived(HTTPResponse(status: .ok)) == nil)
    }

    @Test func aWaitingReaderGetsTheChunkAtOnceAndTheNextOneIsBuffered() {
        var machine = streaming()
        #expect(machine.wait(1) == .pending)
        #expect(machine.chunkArrived([1]) == .accepted(.chunk(1, .success([1]))))
        #expect(machine.chunkArrived([2]) == .accepted(nil))
        #expect(machine.bufferedBytes == 1)
        #expect(machine.read() == .chunk([2], unpauses: false))
        #expect(machine.read() == .pending)
    }

    @Test func aFullBufferPausesUntilHalfOfItIsRead() {
        let most = ChunkQueue.maxChunkBytes
        var machine = streaming(maxBufferedBytes: 4 * most)
        let chunk = [UInt8](repeating: 1, count: most)
        for _ in 0..<4 { #expect(machine.chunkArrived(chunk) == .accepted(nil)) }
        #expect(machine.chunkArrived([9]) == .paused)
        #expect(machine.read() == .chunk(chunk, unpauses: false))
        #expect(machine.read() == .chunk(chunk, unpauses: true))
        #expect(machine.read() == .chunk(chunk, unpauses: false))
    }

    @Test func unreadChunksAreReadAtOnceUpToALimit() {
        var machine = streaming(maxBufferedBytes: 1 << 20)
        #expect(machine.chunkArrived([1, 2]) == .accepted(nil))
        #expect(machine.chunkArrived([3]) == .accepted(nil))
        #expect(machine.read() == .chunk([1, 2, 3], unpauses: false))
        let piece = [UInt8](repeating: 4, count: 16_384)
        for _ in 0..<5 { #expect(machine.chunkArrived(piece) == .accepted(nil)) }
        #expect(machine.read() == .chunk(Array(repeating: 4, count: 65_536), unpauses: false))
        #expect(machine.read() == .chunk(piece, unpauses: false))
    }

    @Test func aChunkLargerThanTheBufferPassesWhenTheBufferIsEmpty() {
        var machine = streaming(maxBufferedBytes: 2)
        #expect(machine.chunkArrived([1, 2, 3]) == .accepted(nil))
        #expect(machine.chunkArrived([4]) == .paused)
        #expect(machine.read() == .chunk([1, 2, 3], unpauses: true))
    }

    @Test func aTruncatedBodyIsReadUpToTheBreakAndThenFails() {
        var machine = streaming()
        _ = machine.chunkArrived([1])
        #expect(machine.ended(.failure(Self.failure)) == nil)
        #expect(machine.read() == .chunk([1], unpauses: false))
        #expect(machine.read() == .failed(Self.failure))
    }

    @Test func aStoppedCallerStillGetsWhatHasArrived() {
        var machine = streaming()
        _ = machine.chunkArrived([1])
        #expect(machine.stopReceiving() == Machine.Stop(delivery: nil, abortsTransfer: true))
        #expect(machine.chunkArrived([2]) == .refused)
        #expect(machine.read() == .chunk([1], unpauses: false))
        #expect(machine.read() == .end)
        #expect(machine.stopReceiving() == Machine.Stop(delivery: nil, abortsTransfer: false))

        machine = streaming()
        _ = machine.wait(3)
        #expect(machine.stopReceiving() == Machine.Stop(delivery: .chunk(3, .success(nil)), abortsTransfer: true))
    }

    @Test func anEndWithoutAHeadIsAnError() {
        var machine = Machine(maxBufferedBytes: 8)
        _ = machine.begin(1)
        guard case .head(1, .failure(let error)) = machine.ended(.success(())) else {
            Issue.record("the reader was not resumed with an error")
            return
        }
        #expect(error.kind == .protocolViolation)
    }

    @Test func stoppingWhileTheHeadIsAwaitedFailsTheReaderAndAborts() {
        var machine = Machine(maxBufferedBytes: 8)
        _ = machine.begin(1)
        let stop = machine.stop(Self.failure)
        #expect(stop.delivery == .head(1, .failure(Self.failure)))
        #expect(stop.abortsTransfer)
        #expect(machine.stop(Self.failure) == .init(delivery: nil, abortsTransfer: false))
        #expect(machine.chunkArrived([1]) == .refused)
    }

    @Test func aRequestCancelledBeforeItBeginsIsNeverSubmitted() {
        var machine = Machine(maxBufferedBytes: 8)
        #expect(machine.stop(Self.failure) == .init(delivery: nil, abortsTransfer: false))
        #expect(machine.begin(1) == .head(1, .failure(Self.failure)))
    }

    @Test func closingACompleteResponseAbortsNothing() {
        var machine = streaming()
        _ = machine.ended(.success(()))
        #expect(machine.stop(Self.failure) == .init(delivery: nil, abortsTransfer: false))
    }

    @Test func theHeadDeadlineOnlyCountsUntilTheHead() {
        var waiting = Machine(maxBufferedBytes: 8)
        _ = waiting.begin(1)
        guard case .head(1, .failure(let error)) = waiting.headDeadlinePassed().delivery else {
            Issue.record("the reader was not resumed with an error")
            return
        }
        #expect(error.kind == .timedOut)

        var machine = streaming()
        #expect(machine.headDeadlinePassed() == .init(delivery: nil, abortsTransfer: false))
        #expect(machine.wait(2) == .pending)
        guard case .chunk(2, .failure(let late)) = machine.deadlinePassed().delivery else {
            Issue.record("the reader was not resumed with an error")
            return
        }
        #expect(late.kind == .timedOut)
    }

    @Test func theDeadlineLeavesACompleteBodyReadable() {
        var machine = streaming()
        _ = machine.chunkArrived([1])
        _ = machine.ended(.success(()))
        #expect(machine.deadlinePassed() == .init(delivery: nil, abortsTransfer: false))
        #expect(machine.read() == .chunk([1], unpauses: false))
        #expect(machine.read() == .end)
    }

    @Test func aSecondReaderIsRefused() {
        var machine = streaming()
        #expect(machine.wait(1) == .pending)
        guard case .failed(let error) = machine.wait(2) else {
            Issue.record("two readers wait at once")
            return
        }
        #expect(error.kind == .invalidRequest)
        #expect(machine.chunkArrived([1]) == .accepted(.chunk(1, .success([1]))))
    }
}

extension Transfer.Delivery: Equatable where HeadReader == Int, ChunkReader == Int {
    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.head(let one, let first), .head(let other, let second)): one == other && first == second
        case (.chunk(let one, let first), .chunk(let other, let second)): one == other && first == second
        default: false
        }
    }
}

extension Transfer.ChunkArrival: Equatable where HeadReader == Int, ChunkReader == Int {
    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.accepted(let first), .accepted(let second)): first == second
        case (.paused, .paused), (.refused, .refused): true
        default: false
        }
    }
}

extension Transfer.Read: Equatable {
    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.chunk(let first, let one), .chunk(let second, let other)): first == second && one == other
        case (.failed(let first), .failed(let second)): first == second
        case (.end, .end), (.pending, .pending): true
        default: false
        }
    }
}

extension Transfer.Stop: Equatable where HeadReader == Int, ChunkReader == Int {
    static func == (left: Self, right: Self) -> Bool {
        left.delivery == right.delivery && left.abortsTransfer == right.abortsTransfer
    }
}
