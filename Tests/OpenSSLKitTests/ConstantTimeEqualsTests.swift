import OpenSSLKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct ConstantTimeEqualsTests {
    @Test(arguments: [[], [0], [1, 2, 3], [UInt8](repeating: 255, count: 10_000)] as [[UInt8]])
    func equalBytesAreEqual(bytes: [UInt8]) {
        #expect(constantTimeEquals(bytes, Array(bytes)))
    }

    @Test func oneChangedBitAnywhereMakesThemDiffer() {
        let bytes = Array("a service key of 32 characters..".utf8)
        for index in bytes.indices {
            for bit in 0..<8 {
                var other = bytes
                other[index] ^= 1 << UInt8(bit)
                #expect(!constantTimeEquals(bytes, other))
            }
        }
    }

    @Test(arguments: [([], [0]), ([1, 2], [1, 2, 0]), ([1, 2, 3], [1, 2]), ([0], [0, 0])] as [([UInt8], [UInt8])])
    func unequalLengthsAreNeverEqual(first: [UInt8], second: [UInt8]) {
        #expect(!constantTimeEquals(first, second))
        #expect(!constantTimeEquals(second, first))
    }
}
