import Testing

@testable import PreviewCommands

@Suite("The limit of open files", .timeLimit(.minutes(1)))
struct OpenFilesTests {
    @Test(arguments: [0, 1_200], [0, 256])
    func everyCallerAndEveryForwardedRequestHasItsFile(forwarded: Int, others: Int) {
        for limit in [1_024, 2_048, 4_096, 65_536] {
            let callers = OpenFiles.callers(within: limit, besides: others, forwarding: forwarded)
            #expect(callers + min(callers, forwarded) <= limit - OpenFiles.reserve - others)
            #expect(callers >= (limit - OpenFiles.reserve - others) / 2)
        }
    }

    @Test func allFilesAreForCallersIfNothingElseNeedsThem() {
        #expect(OpenFiles.callers(within: 4_096, besides: 0, forwarding: 0) == 4_096 - OpenFiles.reserve)
    }

    @Test func aLimitThatIsTooLowLeavesOneConnection() {
        #expect(OpenFiles.callers(within: 100, besides: 256, forwarding: 1_200) == 1)
    }
}
