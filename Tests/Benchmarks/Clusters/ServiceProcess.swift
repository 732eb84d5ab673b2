import Foundation

/// `preview-gateway serve` as production runs it, in a process of its own.
final class ServiceProcess: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// `nonisolated(unsafe)`: `Process` is not `Sendable`; here it is only asked for its identifier, which does not change,
    /// and stopped once.
    private nonisolated(unsafe) let process = Process()

    /// Starts a replica and waits until its watches are open.
    init(_ cluster: any BenchCluster) async throws {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "preview-gateway")
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            throw Failure(description: "preview-gateway is not beside this program: build it first, as make bench does")
        }
        let watches = try cluster.requests().count(verb: "watch") + Self.watchCount
        process.executableURL = program
        process.arguments = ["serve"]
        process.environment = [
            "KUBECONFIG": cluster.kubeconfig, "Sandbox__Preview__ZoneSuffix": "preview.example.com",
            "Auth__ApiKey": UUID().uuidString, "Server__Listen": "127.0.0.1:0",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        try await wait(for: "the service's watches") { [process] in
            guard process.isRunning else { throw Failure(description: "preview-gateway has ended") }
            return try cluster.requests().count(verb: "watch") >= watches
        }
    }

    /// Routes, Services, pods, claims, Sandboxes; and claims and the Gateway once more for approvals.
    private static let watchCount = 7

    var processID: Int32 { process.processIdentifier }

    /// Stops the replica as Kubernetes does, and waits for its end.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    /// Runs `body` while so many replicas run.
    static func with<Result>(
        _ count: Int,
        on cluster: any BenchCluster,
        _ body: ([ServiceProcess]) async throws -> Result
    ) async throws -> Result {
        var replicas: [ServiceProcess] = []
        defer { for replica in replicas { replica.stop() } }
        for _ in 0..<count { replicas.append(try await ServiceProcess(cluster)) }
        return try await body(replicas)
    }
}
