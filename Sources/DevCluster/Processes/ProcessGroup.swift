import FoundationEssentials

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// A child process with all processes that it started directly or indirectly.
///
/// A process that creates its own session leaves the group and is not reached.
package struct ProcessGroup: Sendable, Hashable {
    /// The time that a group has to end after SIGTERM, before SIGKILL.
    package static let grace: Duration = .seconds(3)
    /// The interval in which ``end(grace:)`` checks whether the group has ended.
    private static let pollInterval: Duration = .milliseconds(20)

    /// The process id of the group's first process.
    package let id: Int32

    package init(id: Int32) {
        self.id = id
    }

    /// Whether a process of the group runs. Zombies are not counted.
    package var isRunning: Bool {
        guard kill(-id, 0) == 0 || errno == EPERM else { return false }
        #if os(Linux)
            // An orphan stays in its group as a zombie until its new parent reaps it.
            let processes = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return processes.contains { name in
                guard Int32(name) != nil, let status = ProcessStatus(processDirectory: "/proc/\(name)") else {
                    return false
                }
                return status.groupID == id && !status.isZombie
            }
        #else
            return true
        #endif
    }

    /// Sends SIGTERM to the group, and SIGKILL to what is left of it after `grace`.
    ///
    /// Cancelling the calling task does not shorten the grace.
    package func end(grace: Duration = ProcessGroup.grace) async {
        guard isRunning else { return }
        kill(-id, SIGTERM)
        // An unstructured task, because the calling task is usually cancelled and could not sleep.
        await Task {
            let deadline = ContinuousClock.now + grace
            while isRunning, ContinuousClock.now < deadline {
                try? await Task.sleep(for: Self.pollInterval)
            }
        }.value
        kill(-id, SIGKILL)
    }
}
