import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// Runs programs as child processes, each in a separate session and process group.
///
/// A child never outlives the call that started it: when the call returns, throws or is cancelled, the child's whole group has
/// ended. The separate group also prevents that Ctrl-C in a terminal reaches the child directly, so this process determines the
/// order in which its children end.
package struct ChildProcess: Sendable {
    /// Ends the children if this process is killed.
    private let watchdog: Watchdog?

    package init(watchdog: Watchdog?) {
        self.watchdog = watchdog
    }

    /// Runs `command` until it ends or the calling task is cancelled.
    ///
    /// - Parameters:
    ///   - command: The program to run.
    ///   - grace: The time that the group has to end after SIGTERM, before SIGKILL.
    ///   - started: Called once with the process id, while the process runs.
    /// - Returns: The exit status of the process.
    /// - Throws: ``DevClusterFailure`` if the process cannot be started.
    package func run(
        _ command: ProcessCommand,
        grace: Duration = ProcessGroup.grace,
        started: @Sendable (_ processID: Int32) async -> Void = { _ in }
    ) async throws -> ProcessExit {
        let log = try openLog(command.logFile)
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .terminate, toProcessGroup: true, allowedDurationToNextStep: grace)
        ]
        let group = Mutex<ProcessGroup?>(nil)
        let outcome: Result<ProcessExit, any Error>
        do {
            let result = try await Subprocess.run(
                command.executable.contains("/") ? .path(FilePath(command.executable)) : .name(command.executable),
                arguments: Arguments(command.arguments),
                environment: .inherit.updating(
                    Dictionary(
                        command.environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) },
                        uniquingKeysWith: { _, last in last }
                    )
                ),
                platformOptions: options,
                input: .none,
                output: .fileDescriptor(log, closeAfterSpawningProcess: true),
                error: .combinedWithOutput
            ) { execution in
                let newGroup = ProcessGroup(id: execution.processIdentifier.value)
                group.withLock { $0 = newGroup }
                await watchdog?.add(newGroup)
                await started(execution.processIdentifier.value)
            }
            switch result.terminationStatus {
            case .exited(let code): outcome = .success(.code(code))
            case .signaled(let number): outcome = .success(.signal(number))
            }
        } catch let error as SubprocessError where error.code == .executableNotFound {
            outcome = .failure(DevClusterFailure("the program \(command.executable) was not found"))
        } catch let error as SubprocessError where group.withLock({ $0 }) == nil {
            outcome = .failure(DevClusterFailure("\(command.executable) could not be started: \(error)"))
        } catch {
            outcome = .failure(error)
        }
        if let group = group.withLock({ $0 }) {
            // The first process has ended; processes that it started may still run.
            await group.end(grace: grace)
            await watchdog?.remove(group)
        }
        return try outcome.get()
    }

    private func openLog(_ path: String) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                FilePath(path),
                .writeOnly,
                options: [.create, .append, .closeOnExec],
                permissions: .ownerReadWrite
            )
        } catch {
            throw DevClusterFailure("the log file \(path) cannot be written: \(error)")
        }
    }
}
