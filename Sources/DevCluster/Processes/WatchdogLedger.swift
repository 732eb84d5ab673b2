/// What the watchdog's side knows: the process groups that still run.
package struct WatchdogLedger: Sendable, Hashable {
    /// The groups to end, ordered by id.
    package var groups: [ProcessGroup] { ids.sorted().map(ProcessGroup.init(id:)) }

    private var ids: Set<Int32> = []

    package init() {}

    /// Takes one line of the pipe: `+` or `-` and the id of a group. Any other line is left aside.
    package mutating func apply(_ line: String) {
        // 0 and 1 are no groups that anyone may signal: they mean "my own group" and "every process".
        guard let sign = line.first, let id = Int32(line.dropFirst()), id > 1 else { return }
        switch sign {
        case "+": ids.insert(id)
        case "-": ids.remove(id)
        default: break
        }
    }
}
