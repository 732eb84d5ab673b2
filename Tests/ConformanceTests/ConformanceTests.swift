import Foundation
import HTTPTypes
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The same checks against the development cluster's API server and, if available, a real kube-apiserver.
@Suite("API server conformance", .timeLimit(.minutes(5)))
struct ConformanceTests {
    @Test("The development cluster's API server behaves as the client needs it")
    func theDevelopmentAPIServerBehavesAsTheClientNeedsIt() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kubeconfig-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await withAPIServer { server in
            try await server.kubeconfig().write(toFile: path, atomically: true, encoding: .utf8)
            await runAll(try await ClusterUnderTest(kubeconfig: path, namespace: "conformance"))
        }
    }

    @Test(
        "A real kube-apiserver behaves as the client needs it",
        .enabled(
            if: RealControlPlane.isAvailable,
            "KUBEBUILDER_ASSETS and TEST_CRDS name no kube-apiserver and no resource definitions"
        )
    )
    func aRealAPIServerBehavesAsTheClientNeedsIt() async throws {
        try await RealControlPlane.with { plane in
            await runAll(try await ClusterUnderTest(kubeconfig: plane.kubeconfig, namespace: "conformance"))
        }
    }

    @Test(
        "The cluster that TEST_KUBECONFIG names behaves as the client needs it",
        .enabled(if: NamedCluster.kubeconfig != nil, "TEST_KUBECONFIG names no cluster")
    )
    func theNamedClusterBehavesAsTheClientNeedsIt() async throws {
        let path = try #require(NamedCluster.kubeconfig)
        let namespace = "conformance-\(UUID().uuidString.lowercased().prefix(8))"
        let cluster = try await ClusterUnderTest(kubeconfig: path, namespace: namespace)
        await runAll(cluster)
        // Including everything in it.
        _ = try await cluster.raw.send(.delete, "/api/v1/namespaces/\(namespace)")
    }

    private func runAll(_ cluster: ClusterUnderTest) async {
        for (name, check) in ConformanceChecks.all {
            do {
                try await check(cluster)
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
    }
}

/// An external cluster, with the definitions of the kinds that the service uses.
private enum NamedCluster {
    /// The path of its kubeconfig.
    static let kubeconfig = ProcessInfo.processInfo.environment["TEST_KUBECONFIG"]
}
