import ArgumentParser
import Testing

@testable import PreviewCommands

/// Tests the completions that follow from the program's description of its commands.
@Suite("Completing a command line", .timeLimit(.minutes(1)))
struct CommandCompletionTests {
    private func complete(_ line: String...) throws -> CommandCompletion.Candidates {
        try CommandCompletion(description: PreviewGateway._dumpHelp()).candidates(for: line)
    }

    private func words(_ candidates: CommandCompletion.Candidates) -> [String]? {
        if case .words(let words) = candidates { words.map(\.text) } else { nil }
    }

    @Test func commandsAreCompletedWithWhatTheyDo() throws {
        let candidates = try complete("")
        for name in ["list", "requests", "approve", "deny", "stop", "explain", "watch", "doctor"] {
            #expect(words(candidates)?.contains(name) == true)
        }
        #expect(words(try complete("st")) == ["stop"])
        guard case .words(let words) = try complete("st") else { return }
        #expect(words.first?.description.hasPrefix("Stop previews") == true)
        #expect(self.words(try complete("nothing")) == [])
    }

    @Test func optionsAreCompletedByTheirLongNames() throws {
        #expect(words(try complete("stop", "--n")) == ["--namespace"])
        #expect(words(try complete("list", "-"))?.contains("--all-namespaces") == true)
        #expect(words(try complete("reap", "--"))?.contains("--dry-run") == true)
    }

    @Test(arguments: [["list", "-o", "y"], ["list", "-n", "a", "--output", "y"], ["explain", "-o", "y"]])
    func valuesOfAnOptionAreCompleted(line: [String]) throws {
        #expect(words(try CommandCompletion(description: PreviewGateway._dumpHelp()).candidates(for: line)) == ["yaml"])
    }

    @Test func aValueBehindAnEqualsSignKeepsTheOption() throws {
        #expect(words(try complete("approve", "--scope=o")) == ["--scope=once"])
        #expect(try complete("list", "--config=k") == .files)
    }

    @Test func theShellCompletesFiles() throws {
        #expect(try complete("list", "--config", "") == .files)
    }

    @Test func anUnknownValueIsNotCompleted() throws {
        #expect(words(try complete("stop", "--namespace", "a")) == [])
        #expect(words(try complete("watch", "--history", "")) == [])
    }

    @Test func previewsAreListedWithTheOptionsOfTheCommandLine() throws {
        #expect(try complete("stop", "") == .previews(options: []))
        #expect(try complete("stop", "-n", "team", "--all", "") == .previews(options: ["-n", "team"]))
        #expect(
            try complete("explain", "-o", "json", "--set", "A=B", "--namespace=team", "one", "t")
                == .previews(options: ["--set", "A=B", "--namespace=team"])
        )
        #expect(try complete("reap", "--explain", "") == .previews(options: []))
    }

    @Test func oneRequestIsDecidedAtATime() throws {
        #expect(try complete("approve", "--scope", "run", "") == .requests(options: []))
        #expect(words(try complete("deny", "one", "")) == [])
    }
}
