import FoundationEssentials
import PreviewControl
import PreviewDomain
import Testing

@testable import PreviewCommands

/// Tests that text from the cluster cannot control the terminal of an operator, or look like a further line of output.
@Suite("Text from the cluster on a terminal", .timeLimit(.minutes(10)))
struct TerminalOutputTests {
    private static let hostile = "done\u{1B}[2J\u{9B}1A\nforged line"
    private static let shown = #"done\u{1b}[2J\u{9b}1A\u{a}forged line"#

    @Test func aTableShowsItsCellsEscapedAndAligned() {
        let table = TextTable(header: ["OWNER", "POD"], rows: [[Self.hostile, "pod-1"], ["ada", "pod-2"]])
        let gap = String(repeating: " ", count: Self.shown.count)
        #expect(
            table.lines == [
                "OWNER\(gap.dropFirst(5))   POD", "\(Self.shown)   pod-1", "ada\(gap.dropFirst(3))   pod-2",
            ]
        )
    }

    @Test func aFollowedEntryIsOneEscapedLine() throws {
        let event = TimelineEvent(
            .denied,
            run: try RunID("3f2a9c1e-0000-4000-8000-000000000001"),
            claim: ClaimIdentity(name: "agent-3f2a9c1e0000", uid: "claim-1"),
            subject: "1a2b3c4d",
            message: Self.hostile
        )
        let line = TimelineEntry(event, at: Date(timeIntervalSince1970: 1_800_000_000)).line
        #expect(line.hasPrefix("2027-01-15T08:00:00.000Z  3f2a9c1e-0000-4000-8000-000000000001  denied"))
        #expect(line.hasSuffix("  1a2b3c4d  \(Self.shown)"))
    }

    @Test func aFailureIsOneEscapedLine() {
        #expect(CommandFailure(Self.hostile).description == Self.shown)
    }

    @Test func aFindingOfDoctorIsOneEscapedLine() throws {
        let check = try #require(DoctorCheck.all.first)
        let finding = DoctorFinding.warning(Self.hostile, remedy: Self.hostile)
        let lines = DoctorReport(entries: [.init(check: check, finding: finding)]).text.split(separator: "\n")
        #expect(lines.count { $0.hasSuffix(Self.shown) } == 2)
        #expect(!lines.contains("forged line"))
    }
}
