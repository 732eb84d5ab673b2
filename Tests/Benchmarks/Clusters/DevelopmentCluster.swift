import Foundation
import TestPeers

/// The development cluster's API server.
struct DevelopmentCluster: BenchCluster {
    let place = "development"
    let kubeconfig: String
    private let server: ChildServer

    /// Runs `body` against a new, empty cluster with the platform's namespace.
    static func with(_ body: @Sendable (any BenchCluster) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let kubeconfig = folder.appending(path: "kubeconfig").path
        let server = try ChildServer(["development-server", "--kubeconfig", kubeconfig])
        defer { server.stop() }
        _ = try server.ask(nil, for: String.self)
        let cluster = DevelopmentCluster(kubeconfig: kubeconfig, server: server)
        try await Platform(cluster).install()
        try await body(cluster)
    }

    func requests() throws -> RequestCounts { RequestCounts(entries: try server.ask("requests")) }

    func deletions(of resource: String) throws -> [String: Double] { try server.ask(resource) }
}
