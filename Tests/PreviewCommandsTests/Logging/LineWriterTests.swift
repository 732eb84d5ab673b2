import Foundation
import Testing

@testable import PreviewCommands

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Tests lines of a log that is written to a non-blocking pipe.
@Suite("Lines of the log on a pipe", .timeLimit(.minutes(2)))
struct LineWriterTests {
    /// More than a pipe holds.
    private static let long = String(repeating: "x", count: 1 << 20) + "\n"
    private let pipe = Pipe()

    init() {
        let isSet = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFL, O_NONBLOCK) == 0
        #expect(isSet)
    }

    @Test func aLineThatIsLongerThanThePipeArrivesWhole() throws {
        let writing = pipe.fileHandleForWriting
        Thread.detachNewThread {
            LineWriter(writing.fileDescriptor, maxWait: .seconds(60)).write(Self.long)
            try? writing.close()
        }
        let read = try pipe.fileHandleForReading.readToEnd()
        #expect(read == Data(Self.long.utf8))
    }

    @Test func afterALineThatWasCutTheNextStartsOnItsOwn() throws {
        let writer = LineWriter(pipe.fileHandleForWriting.fileDescriptor, maxWait: .milliseconds(1))
        writer.write(Self.long)
        #expect(!pipe.fileHandleForReading.availableData.isEmpty)
        writer.write("next\n")
        writer.write("last\n")
        try pipe.fileHandleForWriting.close()
        let rest = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(rest.hasSuffix("x\nnext\nlast\n"))
    }

    @Test func aLineThatFindsNoRoomIsDroppedWhole() throws {
        let writer = LineWriter(pipe.fileHandleForWriting.fileDescriptor, maxWait: .milliseconds(1))
        writer.write(Self.long)
        writer.write("dropped\n")
        #expect(!pipe.fileHandleForReading.availableData.isEmpty)
        writer.write("next\n")
        try pipe.fileHandleForWriting.close()
        let rest = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(rest.hasSuffix("x\nnext\n"))
    }
}
