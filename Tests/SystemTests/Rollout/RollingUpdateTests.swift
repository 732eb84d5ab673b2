import CurlHTTP
import FoundationEssentials
import TestSupport
import Testing

@testable import DevCluster

/// Several replicas of the built program, which are replaced while they are used.
@Suite(
    "A rolling update",
    .enabled(if: ReplicaProcess.program != nil, "preview-gateway is not beside the tests"),
    .serialized,
    .timeLimit(.minutes(2))
)
struct RollingUpdateTests {
    private static func path(_ run: String) -> String { "/api/runs/\(run)/sandbox/port-forward" }
    private static let runs = (1...3).map { "\($0)f2a9c1e-0000-4000-8000-00000000000\($0)" }

    /// Runs an API server with sandboxes, and passes a function that creates replicas.
    private func withCluster(
        _ body:
            @escaping @Sendable (
                _ replica: @escaping @Sendable (_ settings: [String: String]) throws -> ReplicaProcess,
                _ server: APIServer
            ) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let (kubeconfig, key) = (folder.file("kubeconfig"), folder.file("key.pem"))
        try PrivateFile.write(ServiceUnderTest.issuerKeyPEM.utf8, to: key)
        try await withAPIServer { server in
            try ClusterObjects.install(into: server.store, port: 8088)
            for run in Self.runs { try ServiceUnderTest.addSandbox(run: run, to: server.store) }
            try PrivateFile.write(try await server.kubeconfig(namespace: ClusterObjects.namespace).utf8, to: kubeconfig)
            try await body(
                { settings in
                    var all = ServiceUnderTest.settings(issuerKey: key)
                    all["KUBECONFIG"] = kubeconfig
                    all["Server__DrainSeconds"] = "5"
                    all["Server__RequestsPerSecond"] = "100000"
                    all["Server__RequestBurst"] = "100000"
                    all.merge(settings) { $1 }
                    return try ReplicaProcess(settings: all, log: folder.file("log"))
                },
                server
            )
        }
    }

    @Test func noRequestFailsAndNoPreviewIsLost() async throws {
        try await withCluster { replica, server in
            let replicas = try (0..<4).map { _ in try replica([:]) }
            let proxy = LaggingProxy()
            let transport = try CurlTransport()
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                for replica in replicas[..<2] {
                    group.addTask { try await replica.run() }
                    try await replica.waitUntilReady()
                    await proxy.add(replica)
                }
                try await proxy.run { port in
                    let load = RolloutLoad(port: port, transport: transport)
                    let token = try #require(try await load.start(Self.path(Self.runs[0])))
                    let ping = "/api/runs/\(Self.runs[0])/sandbox/preview/\(token)/keepalive"
                    try await withThrowingTaskGroup(of: Void.self) { callers in
                        defer { callers.cancelAll() }
                        for _ in 0..<3 { callers.addTask { try await load.keepAlive(ping) } }
                        for _ in 0..<2 { callers.addTask { try await load.list(Self.path(Self.runs[0])) } }
                        for run in Self.runs[1...] { callers.addTask { try await load.startAndStop(Self.path(run)) } }
                        for (old, new) in zip(replicas[..<2], replicas[2...]) {
                            callers.addTask { try await new.run() }
                            try await new.waitUntilReady()
                            await proxy.add(new)
                            old.signalStop()
                            let end = try await old.waitUntilEnded()
                            #expect(end?.isSuccess == true)
                        }
                    }
                    let result = load.result
                    #expect(result.failures.isEmpty, "of \(result.answered) requests")
                    #expect(result.answered > 100)
                    // These requests were sent when a replica without draining would have refused them.
                    #expect(await proxy.lateRequestCount > 10)
                    #expect(server.store.list(.httpRoutes).items.map(\.name).contains("preview-\(token)"))
                }
            }
            await transport.shutdown()
        }
    }

    @Test func aSecondSignalEndsTheDrainAtOnce() async throws {
        try await withCluster { replica, _ in
            let replica = try replica(["Server__DrainSeconds": "15"])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await replica.run() }
                try await replica.waitUntilReady()
                let clock = ContinuousClock()
                let start = clock.now
                replica.signalStop()
                // The replica reports the drain at once, and continues to respond.
                _ = try await poll(every: .milliseconds(20), limit: .seconds(5)) {
                    await replica.readiness() == 503 ? true : nil
                }
                #expect(await replica.readiness() == 503)
                replica.signalStop()
                let end = try await replica.waitUntilEnded()
                #expect(end?.isSuccess == true)
                #expect(clock.now - start < .seconds(12))
                try await group.waitForAll()
            }
        }
    }
}
