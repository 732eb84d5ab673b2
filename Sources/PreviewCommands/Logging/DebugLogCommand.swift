internal import ArgumentParser

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// `preview-gateway debug-log`: sends the signal that switches a replica's log level. The container image has no `kill`.
struct DebugLogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "debug-log",
        abstract: "Switch the log of a running replica to the level debug, or back.",
        discussion: """
            It sends SIGUSR1. In a pod: kubectl exec -n agentweaver POD -- /usr/bin/preview-gateway debug-log
            """
    )

    @Option(help: "The process ID of the replica: 1 in its own pod.")
    var pid: Int32 = 1

    func validate() throws {
        // `kill` interprets zero and negative numbers as process groups (POSIX, `kill`).
        guard pid > 0 else { throw ValidationError("--pid: expected a process ID") }
    }

    func run() throws {
        guard kill(pid, SIGUSR1) == 0 else {
            throw CommandFailure("process \(pid) cannot be signalled: \(String(cString: strerror(errno)))")
        }
    }
}
