/// The watchdog's record of the process groups that run.
package struct WatchedProcessGroups: Sendable, Hashable {
    /// The groups to end, ordered by id.
    package var groups: [ProcessGroup] { ids.sorted().map(ProcessGroup.init(id:)) }

    private var ids: Set<Int32> = []

    package init() {}

    /// Applies a line from the pipe: `+` or `-` and the id of a group. Other lines are ignored.
    package mutating func apply(_ line: String) {
        // `kill` with these ids would signal the watchdog's own group or all processes (POSIX, `kill`).
        guard let sign = line.first, let id = Int32(line.dropFirst()), id > 1 else { return }
        switch sign {
        case "+": ids.insert(id)
        case "-": ids.remove(id)
        default: break
        }
    }
}
