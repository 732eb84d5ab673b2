import Foundation
import TestPeers
import TestSupport

/// The development cluster's API server.
struct DevelopmentCluster: BenchCluster {
    let place = "development"
    let kubeconfig: String
    private let server: ChildServer

    /// Runs `body` against a new, empty cluster with the platform's namespace.
    static func with(_ body: @Sendable (any BenchCluster) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        let kubeconfig = folder.file("kubeconfig")
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
