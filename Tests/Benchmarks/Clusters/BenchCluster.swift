import Foundation
import TestPeers

/// An API server that benchmarks run against, in a process of its own.
protocol BenchCluster: Sendable {
    /// How it is called in the report.
    var place: String { get }
    /// The path of a kubeconfig for it.
    var kubeconfig: String { get }

    /// What it was asked so far by those who use ``kubeconfig``.
    func requests() throws -> RequestCounts

    /// When it accepted which deletions, in seconds since 1970 by the objects' names.
    ///
    /// - Parameter resource: `httproutes`, `services` or `jobs`.
    func deletions(of resource: String) throws -> [String: Double]
}

/// Where the platform's objects are.
let benchNamespace = Platform.namespace

extension BareClient {
    init(_ cluster: any BenchCluster) throws { try self.init(kubeconfig: cluster.kubeconfig) }
}

extension Platform {
    init(_ cluster: any BenchCluster) throws { self.init(try BareClient(cluster)) }
}

/// Runs `body` against the development cluster, and against a real API server where there is one.
func onEachCluster(_ body: @Sendable (any BenchCluster) async throws -> Void) async throws {
    try await DevelopmentCluster.with(body)
    try await RealCluster.withIfAvailable(body)
}
