/// `preview-gateway serve` as in production, in a separate process.
final class ServiceProcess: Sendable {
    let processID: Int32
    private let keeper: ChildServer

    /// Starts a replica and waits until its watches are open.
    ///
    /// - Parameter settings: Changes to the benchmarks' own settings.
    init(_ cluster: any BenchCluster, settings: [String: String] = [:]) async throws {
        let watches = try cluster.requests().count(verb: "watch") + Self.watchCount
        keeper = try ChildServer(
            ["service", "--kubeconfig", cluster.kubeconfig]
                + settings.sorted { $0.key < $1.key }.flatMap { ["--set", "\($0.key)=\($0.value)"] }
        )
        processID = try keeper.ask(nil)
        try await wait(for: "the service's watches") { [keeper] in
            guard keeper.isRunning else { throw ChildServer.Failure(description: "preview-gateway has ended") }
            return try cluster.requests().count(verb: "watch") >= watches
        }
    }

    /// Routes, Services, pods, claims, Sandboxes and Gateways.
    private static let watchCount = 6

    /// Stops the replica as Kubernetes does, and waits for its end.
    func stop() { keeper.stop() }

    /// Runs `body` while this many replicas run.
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
