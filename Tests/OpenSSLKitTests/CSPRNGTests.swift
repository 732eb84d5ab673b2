import Testing

@testable import OpenSSLKit

@Suite(.timeLimit(.minutes(10))) struct CSPRNGTests {
    @Test(arguments: [1, 16, 19, 65_536])
    func handsOutExactlyAsManyBytesAsAskedFor(count: Int) throws {
        #expect(try CSPRNG.bytes(count).count == count)
    }

    @Test func twoDrawsDiffer() throws {
        #expect(try CSPRNG.bytes(32) != CSPRNG.bytes(32))
    }

    @Test func everyByteValueOccursInALongDraw() throws {
        // The probability that one of the values is missing from 65,536 uniformly random bytes is below 10^-108.
        #expect(Set(try CSPRNG.bytes(65_536)).count == 256)
    }

    @Test(arguments: [Int.min, -1, 0, 65_537, Int.max])
    func countOutOfRangeNeverReachesTheGenerator(count: Int) {
        var calls = 0
        #expect(throws: RandomnessError.countOutOfRange(count)) {
            try CSPRNG.bytes(count) { _, _ in
                calls += 1
                return 1
            }
        }
        #expect(calls == 0)
    }

    @Test(arguments: [0, -1, 2, Int32.min, Int32.max])
    func anyResultOtherThanOneIsAFailureWithoutFallback(status: Int32) {
        #expect(throws: RandomnessError.generatorFailed(code: 0)) {
            try CSPRNG.bytes(16) { buffer, _ in
                buffer?.pointee = 42
                return status
            }
        }
    }

    @Test func theGeneratorFillsTheWholeBuffer() throws {
        let bytes = try CSPRNG.bytes(5) { buffer, count in
            for index in 0..<Int(count) { buffer?[index] = UInt8(index + 1) }
            return 1
        }
        #expect(bytes == [1, 2, 3, 4, 5])
    }

    @Test func errorsAreOneSentence() {
        let outOfRange = RandomnessError.countOutOfRange(0).description
        #expect(outOfRange == "cannot draw 0 random bytes at once: the count must be between 1 and 65536")
        let failed = RandomnessError.generatorFailed(code: 7).description
        #expect(failed == "the random generator of libcrypto failed (error code 7)")
    }
}
