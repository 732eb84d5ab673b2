import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@testable import CurlHTTP

/// Sends random events to the machine, in every order that a caller, a connection and a clock can produce.
@Suite(.timeLimit(.minutes(10))) struct TransferInvariantTests {
    @Test(arguments: 0..<500 as Range<UInt64>)
    func randomEventsKeepTheInvariants(seed: UInt64) {
        var transfer = RandomTransfer(seed: seed)
        for _ in 0..<200 { transfer.step() }
        transfer.finish()
    }

    private struct RandomTransfer {
        private static let maxBufferedBytes = 64

        private var machine = Transfer<Int, Int>(maxBufferedBytes: Self.maxBufferedBytes)
        private var random: SeededRandom
        private var waitingHead: Int?
        private var waitingChunk: Int?
        private var nextReader = 0
        private var hasBegun = false
        private var hasHead = false
        private var hasEnded = false
        private var isPaused = false
        private var isStopped = false
        /// The bytes that were accepted from the connection, and those that readers got: the second is a prefix of the
        /// first.
        private var sent: [UInt8] = []
        private var received: [UInt8] = []
        private var endsSeen = 0

        init(seed: UInt64) {
            random = SeededRandom(seed: seed)
        }

        mutating func step() {
            switch UInt8.random(in: 0..<16, using: &random) {
            case 0, 1: begin()
            case 2, 3: arriveHead()
            case 4, 5, 6, 7: arriveChunk()
            case 8, 9, 10, 11: read()
            case 12: end(.success(()))
            case 13 where Bool.random(using: &random): end(.failure(TransportError(.protocolViolation, "broken")))
            case 13 where UInt8.random(in: 0..<8, using: &random) == 0: stopReceiving()
            case 14 where UInt8.random(in: 0..<8, using: &random) == 0: stop(machine.deadlinePassed())
            case 15 where UInt8.random(in: 0..<8, using: &random) == 0:
                isStopped = true
                stop(machine.stop(TransportError(.cancelled, "cancelled")))
            default: stop(machine.headDeadlinePassed())
            }
            #expect(machine.bufferedBytes <= Self.maxBufferedBytes)
        }

        /// Every waiting caller is resumed by the end of the exchange.
        mutating func finish() {
            stop(machine.stop(TransportError(.cancelled, "over")))
            #expect(waitingHead == nil)
            #expect(waitingChunk == nil)
            #expect(machine.chunkArrived([1]) == .refused)
        }

        private mutating func begin() {
            guard !hasBegun else { return }
            hasBegun = true
            waitingHead = 0
            take(machine.begin(0))
        }

        private mutating func arriveHead() {
            take(machine.headArrived(HTTPResponse(status: .ok)))
        }

        private mutating func arriveChunk() {
            guard !isPaused else { return }
            let chunk = (0..<Int.random(in: 1...Self.maxBufferedBytes / 2, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            let readerWaits = waitingChunk != nil
            switch machine.chunkArrived(chunk) {
            case .accepted(let delivery):
                #expect(hasHead && !hasEnded && !isStopped)
                #expect((delivery != nil) == readerWaits)
                sent += chunk
                take(delivery)
            case .paused:
                #expect(!readerWaits)
                isPaused = true
            case .refused:
                #expect(!hasHead || hasEnded || isStopped)
            }
        }

        private mutating func read() {
            guard hasHead, waitingChunk == nil else { return }
            nextReader += 1
            switch machine.wait(nextReader) {
            case .pending:
                #expect(!isStopped && !hasEnded)
                #expect(!isPaused)
                waitingChunk = nextReader
            case .chunk(let chunk, let unpauses):
                if unpauses {
                    #expect(isPaused)
                    isPaused = false
                }
                deliver(chunk)
            case .end:
                deliver(nil)
            case .failed:
                #expect(isStopped || hasEnded)
            }
        }

        private mutating func end(_ ending: Result<Void, TransportError>) {
            take(machine.ended(ending))
            if hasBegun { hasEnded = true }
        }

        private mutating func stopReceiving() {
            let stop = machine.stopReceiving()
            #expect(stop.abortsTransfer == (hasHead && !hasEnded && !isStopped))
            if stop.abortsTransfer { hasEnded = true }
            take(stop.delivery)
        }

        private mutating func stop(_ stop: Transfer<Int, Int>.Stop) {
            if stop.abortsTransfer {
                #expect(hasBegun && !hasEnded)
                isStopped = true
            }
            take(stop.delivery)
        }

        private mutating func take(_ delivery: Transfer<Int, Int>.Delivery?) {
            switch delivery {
            case .none:
                break
            case .head(let reader, let result):
                #expect(reader == waitingHead)
                waitingHead = nil
                if case .success = result { hasHead = true }
            case .chunk(let reader, let result):
                #expect(reader == waitingChunk)
                waitingChunk = nil
                if case .success(let chunk) = result { deliver(chunk) }
            }
        }

        private mutating func deliver(_ chunk: [UInt8]?) {
            if let chunk {
                #expect(endsSeen == 0)
                received += chunk
                #expect(sent.starts(with: received))
            } else {
                endsSeen += 1
                #expect(sent == received)
            }
        }
    }
}
