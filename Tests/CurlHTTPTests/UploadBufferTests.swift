import Testing

@testable import CurlHTTP

@Suite("Buffered request bodies", .timeLimit(.minutes(10)))
struct UploadBufferTests {
    private typealias Buffer = UploadBuffer<Int>

    /// A class, because an expectation cannot mutate a value.
    private final class Machine {
        var buffer: Buffer

        init(length: Int? = nil) { buffer = Buffer(length: length, maxBufferedBytes: 8) }

        func take(_ count: Int = 100) -> String {
            let (taken, resumed) = buffer.take(count)
            let suffix = resumed.map { " resumes \($0)" } ?? ""
            switch taken {
            case .bytes(let bytes): return String(decoding: bytes, as: UTF8.self) + suffix
            case .nothingYet: return "nothing" + suffix
            case .end: return "end" + suffix
            }
        }
    }

    @Test func nothingIsWrittenBeforeTheConnectionAsks() {
        let machine = Machine()
        #expect(machine.buffer.wait(1) == .wait)
        #expect(!machine.buffer.hasBegun)
        #expect(machine.take() == "nothing resumes 1")
        #expect(machine.buffer.hasBegun)
    }

    @Test func theConnectionIsNotifiedOfNewData() {
        let machine = Machine()
        _ = machine.take()
        #expect(machine.buffer.append(Array("ab".utf8)) == .accepted(resumes: true))
        #expect(machine.buffer.append(Array("cd".utf8)) == .accepted(resumes: false))
        #expect(machine.take(1) == "a")
        #expect(machine.take() == "bcd")
        #expect(machine.take() == "nothing")
        #expect(machine.buffer.complete() == .accepted(resumes: true))
        #expect(machine.take() == "end")
    }

    @Test func theWriterWaitsWhileMuchIsUnsent() {
        let machine = Machine()
        _ = machine.take()
        #expect(machine.buffer.wait(1) == .write)
        _ = machine.buffer.append(Array("123456789".utf8))
        #expect(machine.buffer.wait(2) == .wait)
        #expect(machine.take(4) == "1234")
        #expect(machine.take(1) == "5 resumes 2")
        #expect(machine.buffer.bufferedBytes == 4)
    }

    @Test func smallChunksAreSentTogether() {
        let machine = Machine()
        _ = machine.take()
        for _ in 0..<1_000 { _ = machine.buffer.append(Array("a".utf8)) }
        #expect(machine.take(65_536) == String(repeating: "a", count: 1_000))
        #expect(machine.buffer.bufferedBytes == 0)
    }

    @Test func aBodyHasTheLengthThatWasDeclared() {
        let long = Machine(length: 3)
        #expect(long.buffer.append(Array("abcd".utf8)) == .wrongLength)
        let short = Machine(length: 3)
        _ = short.buffer.append(Array("ab".utf8))
        #expect(short.buffer.complete() == .wrongLength)
        let right = Machine(length: 3)
        _ = right.buffer.append(Array("abc".utf8))
        #expect(right.buffer.complete() == .accepted(resumes: false))
    }

    @Test func noWriterWaitsAfterTheEnd() {
        let machine = Machine()
        #expect(machine.buffer.wait(1) == .wait)
        #expect(machine.buffer.end() == 1)
        #expect(machine.buffer.wait(2) == .over)
        #expect(machine.buffer.append([1]) == .over)
        #expect(machine.buffer.complete() == .over)
    }
}
