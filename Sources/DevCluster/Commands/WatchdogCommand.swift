import ArgumentParser
import FoundationEssentials
import Glibc

/// The other side of ``Watchdog``: waits for the end of its input, then ends the groups that are left.
struct WatchdogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: Watchdog.subcommand, shouldDisplay: false)

    func run() async {
        // It must outlive whatever ends its parent; it ends by itself when the pipe closes.
        signal(SIGTERM, SIG_IGN)
        signal(SIGINT, SIG_IGN)
        var ledger = WatchdogLedger()
        while let line = readLine() { ledger.apply(line) }
        await withTaskGroup(of: Void.self) { group in
            for process in ledger.groups { group.addTask { await process.end() } }
        }
    }
}
