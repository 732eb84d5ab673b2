import ArgumentParser

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The other side of ``Watchdog``: a process that reads which groups run, and ends them when the pipe closes.
struct WatchdogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Watchdog.subcommand,
        abstract: "Ends the processes of a development cluster that was killed.",
        shouldDisplay: false
    )

    func run() async {
        // It is to outlive the process that it watches, however that one ends.
        for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
        var ledger = WatchdogLedger()
        while let line = readLine() { ledger.apply(line) }
        await withDiscardingTaskGroup { ending in
            for group in ledger.groups { ending.addTask { await group.end() } }
        }
    }
}
