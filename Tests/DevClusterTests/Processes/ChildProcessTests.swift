import FoundationEssentials
import TestSupport
import Testing

@testable import DevCluster

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

@Suite("Child processes", .timeLimit(.minutes(10)))
struct ChildProcessTests {
    private let processes = ChildProcess(watchdog: nil)
    private static let limit = Duration.seconds(60)

    private func shell(_ script: String, in folder: String) -> ProcessCommand {
        ProcessCommand(
            executable: "/bin/sh",
            arguments: ["-c", script],
            environment: ["FOLDER": folder],
            logFile: folder + "/log"
        )
    }

    private func isRunning(_ id: Int32) -> Bool {
        guard kill(id, 0) == 0 else { return false }
        return !(ProcessStatus(processDirectory: "/proc/\(id)")?.isZombie ?? false)
    }

    /// Whether the process ends within the time limit. It may take a moment, since it is not a child of this process.
    private func ends(_ id: Int32) async throws -> Bool {
        try await poll(every: .milliseconds(5), limit: Self.limit) { isRunning(id) ? nil : true } ?? false
    }

    /// The number in a file that a script writes, as soon as its line is complete.
    private func number(in path: String) async throws -> Int32 {
        let number: Int32? = try await poll(every: .milliseconds(5), limit: Self.limit) {
            guard let data = FileManager.default.contents(atPath: path), data.last == UInt8(ascii: "\n") else {
                return nil
            }
            return Int32(String(decoding: data.dropLast(), as: UTF8.self))
        }
        return try #require(number)
    }

    @Test func theExitCodeAndTheOutputAreKept() async throws {
        try await withTemporaryFolder { folder in
            let exit = try await processes.run(shell("echo out; echo err >&2; exit 3", in: folder))
            #expect(exit == .code(3))
            let log = FileManager.default.contents(atPath: folder + "/log").map { String(decoding: $0, as: UTF8.self) }
            #expect(log == "out\nerr\n")
        }
    }

    @Test func aProcessEndedByASignalSaysSo() async throws {
        try await withTemporaryFolder { folder in
            let exit = try await processes.run(shell("kill -9 $$", in: folder))
            #expect(exit == .signal(9))
        }
    }

    @Test(arguments: ["no-such-program", "/no/such/program"])
    func aMissingProgramIsReportedInOneSentence(program: String) async throws {
        try await withTemporaryFolder { folder in
            _ = await #expect(throws: DevClusterFailure("the program \(program) was not found")) {
                _ = try await processes.run(ProcessCommand(executable: program, logFile: folder + "/log"))
            }
        }
    }

    @Test func cancellationEndsAChildThatIgnoresSIGTERMAndWhatItStarted() async throws {
        try await withTemporaryFolder { folder in
            let script = """
                trap '' TERM
                sleep 1000 & echo $! > "$FOLDER/grandchild"
                echo $$ > "$FOLDER/child"
                while true; do wait; done
                """
            let command = shell(script, in: folder)
            let (child, grandchild) = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await processes.run(command, grace: .milliseconds(50)) }
                let ids = (try await number(in: folder + "/child"), try await number(in: folder + "/grandchild"))
                #expect(isRunning(ids.0) && isRunning(ids.1))
                group.cancelAll()
                while await group.nextResult() != nil {}
                return ids
            }
            #expect(!isRunning(child))
            #expect(try await ends(grandchild))
        }
    }

    @Test func theProcessesThatAChildStartedEndWithIt() async throws {
        try await withTemporaryFolder { folder in
            let script = "sleep 1000 & echo $! > \"$FOLDER/grandchild\""
            let exit = try await processes.run(shell(script, in: folder))
            let grandchild = try await number(in: folder + "/grandchild")
            #expect(exit == .code(0))
            #expect(try await ends(grandchild))
        }
    }

    @Test func theWatchdogEndsChildrenOfAProcessThatWasKilled() async throws {
        let program = try #require(TestPrograms.built("preview-devcluster"))
        try await withTemporaryFolder { folder in
            // The subshell takes the place of the process that is killed: when it ends, the watchdog's input is closed.
            let script = """
                setsid sleep 1000 & echo $! > "$FOLDER/orphan"
                (printf '+%s\\n' "$!"; cat "$FOLDER/hold") | setsid "$WATCHDOG" watchdog
                echo done > "$FOLDER/done"
                """
            #expect(mkfifo(folder + "/hold", 0o600) == 0)
            var command = shell(script, in: folder)
            command.environment["WATCHDOG"] = program
            let watched = command
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await processes.run(watched) }
                let orphan = try await number(in: folder + "/orphan")
                #expect(isRunning(orphan))
                // Opening the pipe for writing and closing it ends `cat`, which closes the watchdog's input.
                close(open(folder + "/hold", O_WRONLY))
                try await group.waitForAll()
                #expect(!isRunning(orphan))
            }
        }
    }
}
