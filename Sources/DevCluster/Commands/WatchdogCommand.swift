import ArgumentParser

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The process that ``Watchdog`` starts. It reads which process groups run, and ends them when the pipe is closed.
struct WatchdogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Watchdog.subcommand,
        abstract: "Ends the processes of a development cluster that was killed.",
        shouldDisplay: false
    )

    func run() async {
        // The process must outlive the process that it watches.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        var watchedGroups = WatchedProcessGroups()
        while let line = readLine() { watchedGroups.apply(line) }
        await withDiscardingTaskGroup { ending in
            for group in watchedGroups.groups { ending.addTask { await group.end() } }
        }
    }
}
