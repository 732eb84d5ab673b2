import FoundationEssentials

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The processes that a child process started with, and everything that they started in turn.
///
/// A process that makes a session of its own leaves the group and is no longer reached.
package struct ProcessGroup: Sendable, Hashable {
    /// How long a group may take to end after SIGTERM, before SIGKILL ends it.
    package static let grace: Duration = .seconds(3)
    /// How often ``end(grace:)`` looks whether the group is gone.
    private static let pollInterval: Duration = .milliseconds(20)

    /// The process id of the group's first process.
    package let id: Int32

    package init(id: Int32) {
        self.id = id
    }

    /// True while a process of the group runs. One that has ended and was not yet collected does not count.
    package var isRunning: Bool {
        guard kill(-id, 0) == 0 || errno == EPERM else { return false }
        #if os(Linux)
            // An orphan stays in its group as a zombie for as long as its new parent does not collect it.
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

    /// Asks the group to end, and kills what is left of it after `grace`.
    ///
    /// Cancelling the calling task does not cut the grace short.
    package func end(grace: Duration = ProcessGroup.grace) async {
        guard isRunning else { return }
        kill(-id, SIGTERM)
        // A task of its own, awaited here, because cancellation is what usually leads here, and a cancelled task
        // cannot wait.
        await Task {
            let deadline = ContinuousClock.now + grace
            while isRunning, ContinuousClock.now < deadline {
                try? await Task.sleep(for: Self.pollInterval)
            }
        }.value
        kill(-id, SIGKILL)
    }
}
