import Subprocess

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A separate process that ends the children of this process if this process is killed.
///
/// It reads from a pipe which children run. When the pipe is closed, which the operating system does however this process ends,
/// the watchdog ends the remaining children. Linux's `PR_SET_PDEATHSIG` is not sufficient: it depends on the thread that
/// started the child, does not reach the child's own children, and is reset by `setuid`.
package struct Watchdog: Sendable {
    /// The subcommand of this executable that runs the watchdog.
    package static let subcommand = "watchdog"
    /// The time that the watchdog has to end after the pipe was closed.
    private static let exitLimit: Duration = .seconds(10)

    private let pipe: StandardInputWriter

    /// Runs `body` with a watchdog.
    ///
    /// - Parameters:
    ///   - executable: The path of the development cluster's executable.
    ///   - body: Starts processes with the given watchdog, and ends them before it returns.
    package static func watch<Result: Sendable>(
        executable: String,
        body: @Sendable (Watchdog) async throws -> Result
    ) async throws -> Result {
        var options = PlatformOptions()
        options.createSession = true
        // The watchdog ignores SIGTERM and ends when the pipe is closed. Cancellation must not end it before that.
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

    /// Reports that a group runs.
    func add(_ group: ProcessGroup) async {
        await write("+\(group.id)\n")
    }

    /// Reports that a group has ended.
    func remove(_ group: ProcessGroup) async {
        await write("-\(group.id)\n")
    }

    /// Writes a line to the pipe. An error is ignored: the watchdog has ended then, and the children are still ended by this
    /// process.
    private func write(_ line: String) async {
        _ = try? await pipe.write(Array(line.utf8))
    }
}
