import ArgumentParser
import Testing

@testable import PreviewCommands

@Suite("The command line of reap", .timeLimit(.minutes(10)))
struct ReapCommandLineTests {
    private static let token = "swift-falcon-amber-k7m2q4x3n5b3r6t5w2zac2d4f7"

    @Test(arguments: [
        ([], "the command 'serve' reaps continuously"),
        (["--dry-run"], "--once"),
        (["-o", "json"], "--once"),
        (["--once", token], "use --explain"),
        (["--once", "-o", "xml"], "Please provide one of 'table', 'json' or 'yaml'"),
        (["--once", "--explain"], "Missing value for '--explain"),
    ])
    func anInvalidArgumentIsOneLineWithoutAToken(arguments: [String], message: String) throws {
        let error = try #require(#expect(throws: (any Error).self) { try ReapCommand.parse(arguments) })
        #expect(ReapCommand.message(for: error).contains(message))
        #expect(!ReapCommand.fullMessage(for: error).contains(Self.token))
    }

    @Test(arguments: [
        ["--once"], ["--once", "--spare-idle"], ["--once", "--dry-run"], ["--explain", "0123abcd"],
        ["--once", "--dry-run", "--explain", "0123abcd"],
        ["--once", "-o", "json", "--set", "Sandbox__Preview__Enabled=false", "--config", "settings.yaml"],
    ])
    func validArgumentsAreAccepted(arguments: [String]) throws {
        _ = try ReapCommand.parse(arguments)
    }
}
