import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A process beside this one that ends this one's children should this one be killed before it can.
///
/// It reads from a pipe which of this process's children run. When the pipe closes, which the operating system sees
/// to however this process ended, it ends the children that are left. (Linux's `PR_SET_PDEATHSIG` would not do: it
/// follows the thread that started the child, does not reach the child's own children, and is lost on `setuid`.)
package struct Watchdog: Sendable {
    /// The subcommand of this executable that is the other side.
    package static let subcommand = "watchdog"
    /// How long the watchdog may take to end once the pipe is closed.
    private static let exitLimit: Duration = .seconds(10)

    private let pipe: StandardInputWriter

    /// Runs `body` under a watchdog.
    ///
    /// - Parameters:
    ///   - executable: The path of the development cluster's executable.
    ///   - body: Starts processes with the watchdog that it is given, and ends them before it returns.
    package static func watch<Result: Sendable>(
        executable: String,
        body: @Sendable (Watchdog) async throws -> Result
    ) async throws -> Result {
        var options = PlatformOptions()
        options.createSession = true
        // It ignores SIGTERM and ends when the pipe closes: cancellation must leave it in place until then.
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: exitLimit)]
        return try await Subprocess.run(
            .path(FilePath(executable)),
            arguments: [subcommand],
            platformOptions: options,
            input: .inputWriter,
            output: .discarded,
            error: .discarded
        ) { execution in
            let watchdog = Watchdog(pipe: execution.standardInputWriter)
            do {
                let result = try await body(watchdog)
                try await execution.standardInputWriter.finish()
                return result
            } catch {
                try? await execution.standardInputWriter.finish()
                throw error
            }
        }.closureResult
    }

    /// Tells the watchdog that a group runs.
    func add(_ group: ProcessGroup) async {
        await write("+\(group.id)\n")
    }

    /// Tells the watchdog that a group has ended.
    func remove(_ group: ProcessGroup) async {
        await write("-\(group.id)\n")
    }

    /// A failed write means that the watchdog has been ended by hand: there is nobody left to tell, and the children
    /// are still ended in the usual way.
    private func write(_ line: String) async {
        _ = try? await pipe.write(Array(line.utf8))
    }
}
