import DevCluster
import Testing

@Suite("The status of a process on Linux", .timeLimit(.minutes(10)))
struct ProcessStatusTests {
    @Test(
        arguments: [
            ("42 (sh) S 1 42 42 0 -1", Int32(42), false), ("42 (a) b (c) Z 1 7 7 0", 7, true),
            ("42 () Z) S 1 9 9 0", 9, false),
        ]
    )
    func groupAndStateFollowTheLastParenthesis(line: String, group: Int32, isZombie: Bool) throws {
        let status = try #require(ProcessStatus(stat: line))
        #expect(status.groupID == group)
        #expect(status.isZombie == isZombie)
    }

    @Test(arguments: ["", "42", "42 (sh)", "42 (sh) S 1", "42 (sh) S 1 x"])
    func aLineThatIsCutShortIsNoStatus(line: String) {
        #expect(ProcessStatus(stat: line) == nil)
    }

    @Test func residentMemoryIsInMegabytes() {
        #expect(ProcessStatus.residentMegabytes(status: "Name:\tx\nVmRSS:\t   46080 kB\n") == 45)
        #expect(ProcessStatus.residentMegabytes(status: "Name:\tx\n") == nil)
        #expect(ProcessStatus.residentMegabytes(status: "VmRSS:\n") == nil)
    }
}
