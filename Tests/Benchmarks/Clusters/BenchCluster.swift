import Foundation
import TestPeers

/// An API server for benchmarks, in a separate process.
protocol BenchCluster: Sendable {
    /// The name in the report.
    var place: String { get }
    /// The path of a kubeconfig for it.
    var kubeconfig: String { get }

    /// The requests so far of those who use ``kubeconfig``.
    func requests() throws -> RequestCounts

    /// The instants at which it accepted deletions, in seconds since 1970, by the objects' names.
    ///
    /// - Parameter resource: `httproutes`, `services` or `jobs`.
    func deletions(of resource: String) throws -> [String: Double]
}

/// The namespace of the platform's objects.
let benchNamespace = Platform.namespace

extension BareClient {
    init(_ cluster: any BenchCluster) throws { try self.init(kubeconfig: cluster.kubeconfig) }
}

extension Platform {
    init(_ cluster: any BenchCluster) throws { self.init(try BareClient(cluster)) }
}

/// Runs `body` against the development cluster, and against a real API server if it is available.
func onEachCluster(_ body: @Sendable (any BenchCluster) async throws -> Void) async throws {
    try await DevelopmentCluster.with(body)
    try await RealCluster.withIfAvailable(body)
}
