import Synchronization
import TestPeers
import TestSupport

@testable import DevCluster

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// `preview-gateway serve`, the built program, as one replica.
final class ReplicaProcess: Sendable {
    /// The program in the folder of the tests; `nil` if it was not built.
    static let program = TestPrograms.built("preview-gateway")

    let port: Int
    /// The number of this replica among several, if that matters.
    let number: Int
    private let command: ProcessCommand
    private let processID = Mutex<Int32?>(nil)
    private let exit = Mutex<ProcessExit?>(nil)

    /// - Parameters:
    ///   - settings: The settings, by their names in the environment.
    ///   - launcher: The program that starts the service, with its arguments; empty to start the service directly.
    ///   - path: The service's path for the launcher; the path of the built program if `nil`.
    ///   - number: The number of this replica among several.
    init(
        settings: [String: String],
        log: String,
        launcher: [String] = [],
        path: String? = nil,
        number: Int = 0
    ) throws {
        self.number = number
        guard let program = Self.program, let port = Sockets.freePort(address: "127.0.0.1") else {
            throw DevClusterFailure("preview-gateway was not built, or no port is free")
        }
        self.port = port
        var environment: [String: String?] = settings
        environment["Server__Listen"] = "127.0.0.1:\(port)"
        let words = launcher + [path ?? program, "serve"]
        command = ProcessCommand(
            executable: words[0],
            arguments: Array(words.dropFirst()),
            environment: environment,
            logFile: log
        )
    }

    /// Runs the process until it ends.
    func run() async throws {
        let exit = try await ChildProcess(watchdog: nil).run(command) { id in processID.withLock { $0 = id } }
        self.exit.withLock { $0 = exit }
    }

    /// The process ID, once the process runs.
    var processIdentifier: Int32? { processID.withLock(\.self) }

    /// Sends SIGTERM, as the kubelet does.
    func signalStop() {
        if let id = processID.withLock(\.self) { kill(id, SIGTERM) }
    }

    /// Sends SIGKILL, which ends the process as the failure of a node would.
    func failNow() {
        if let id = processID.withLock(\.self) { kill(id, SIGKILL) }
    }

    /// The process ID, while the process runs.
    var id: Int32? { exit.withLock(\.self) == nil ? processID.withLock(\.self) : nil }

    /// The status of `/readyz`; `nil` if there is no response.
    func readiness() async -> Int? {
        guard let connection = try? await PersistentConnection.open(to: port) else { return nil }
        defer { connection.close() }
        return try? await connection.exchange("GET /readyz HTTP/1.1\r\nHost: replica\r\n\r\n").status
    }

    func waitUntilReady() async throws {
        guard
            try await poll(every: .milliseconds(50), limit: .seconds(30), { await readiness() == 200 ? true : nil })
                == true
        else { throw DevClusterFailure("a replica did not become ready") }
    }

    /// Waits for the end of the process, and returns how it ended.
    func waitUntilEnded() async throws -> ProcessExit? {
        try await poll(every: .milliseconds(50), limit: .seconds(30)) { exit.withLock(\.self) }
    }
}
