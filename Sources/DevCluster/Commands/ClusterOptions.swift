import ArgumentParser
import FoundationEssentials

/// What `up` and `demo` have in common.
struct ClusterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where files and logs go.", valueName: "path"))
    var stateFolder = ".build/devcluster/state"

    /// The folder, made if it is missing, as an absolute path.
    func folder() throws -> String {
        let path = stateFolder.hasPrefix("/") ? stateFolder : "\(FileManager.default.currentDirectoryPath)/\(stateFolder)"
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw DevClusterFailure("the folder \(path) cannot be made")
        }
        return path
    }

    /// A port that is free now: the wanted one, or any for 0.
    ///
    /// - Throws: ``DevClusterFailure`` that names the option.
    static func port(_ wanted: Int, option: String) throws -> Int {
        guard let port = Sockets.freePort(address: "127.0.0.1", wanted: wanted) else {
            throw DevClusterFailure("port \(wanted) of 127.0.0.1 is in use: choose another one with \(option)")
        }
        return port
    }
}

/// Runs `work` until it ends or the user or the system asks this process to stop.
func untilInterrupted(_ work: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await work() }
        group.addTask { await InterruptSignals.wait() }
        defer { group.cancelAll() }
        try await group.next()
    }
}
