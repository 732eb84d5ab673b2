import Foundation
import Logging
import Testing

@testable import PreviewCommands

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Tests lines of a log that is written to a pipe, whose end may be blocking or not.
@Suite("Lines of the log on a pipe", .timeLimit(.minutes(2)))
struct LineWriterTests {
    /// More than a pipe holds.
    private static let long = String(repeating: "x", count: 1 << 20) + "\n"
    private let pipe = Pipe()

    private func setStatus(_ flags: Int32) {
        let isSet = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFL, flags) == 0
        #expect(isSet)
    }

    @Test(arguments: [0, O_NONBLOCK])
    func aLineThatIsLongerThanThePipeArrivesWhole(flags: Int32) throws {
        setStatus(flags)
        let writing = pipe.fileHandleForWriting
        Thread.detachNewThread {
            LineWriter(writing.fileDescriptor, maxWait: .seconds(60)).write(Self.long)
            try? writing.close()
        }
        let read = try pipe.fileHandleForReading.readToEnd()
        #expect(read == Data(Self.long.utf8))
    }

    @Test(arguments: [0, O_NONBLOCK])
    func afterALineThatWasCutTheNextStartsOnItsOwn(flags: Int32) throws {
        setStatus(flags)
        let writer = LineWriter(pipe.fileHandleForWriting.fileDescriptor, maxWait: .milliseconds(1))
        writer.write(Self.long)
        #expect(!pipe.fileHandleForReading.availableData.isEmpty)
        writer.write("next\n")
        writer.write("last\n")
        try pipe.fileHandleForWriting.close()
        let rest = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(rest.hasSuffix("x\nnext\nlast\n"))
    }

    @Test(arguments: [0, O_NONBLOCK])
    func aLineThatFindsNoRoomIsDroppedWhole(flags: Int32) throws {
        setStatus(flags)
        let writer = LineWriter(pipe.fileHandleForWriting.fileDescriptor, maxWait: .milliseconds(1))
        writer.write(Self.long)
        writer.write("dropped\n")
        #expect(!pipe.fileHandleForReading.availableData.isEmpty)
        writer.write("next\n")
        try pipe.fileHandleForWriting.close()
        let rest = String(decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(rest.hasSuffix("x\nnext\n"))
    }

    @Test(arguments: LogFormat.allCases)
    func aReaderThatHasStoppedDoesNotStopTheLogger(format: LogFormat) throws {
        let writer = LineWriter(pipe.fileHandleForWriting.fileDescriptor, maxWait: .milliseconds(1))
        let logger = format.logger(label: "a", level: AdjustableLogLevel(.info), writer: writer)
        logger.info("first")
        for _ in 0..<2 { logger.info("\(Self.long)") }
        let read = String(decoding: pipe.fileHandleForReading.availableData, as: UTF8.self)
        #expect(read.contains("first"))
    }
}
