import Foundation
import TestPeers
import TestSupport
import Testing

@testable import DevCluster

/// The same checks against the development cluster's API server and, where there is one, a real kube-apiserver.
@Suite("API server conformance")
struct ConformanceTests {
    @Test("The development cluster's API server behaves as the client needs it")
    func developmentCluster() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "kubeconfig-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await withAPIServer { server in
            try await server.kubeconfig().write(toFile: path, atomically: true, encoding: .utf8)
            try await runAll(ClusterUnderTest(kubeconfig: path, namespace: "conformance"))
        }
    }

    @Test(
        "A real kube-apiserver behaves as the client needs it",
        .enabled(
            if: RealControlPlane.isAvailable,
            "KUBEBUILDER_ASSETS and TEST_CRDS name no kube-apiserver and no resource definitions"
        )
    )
    func realAPIServer() async throws {
        try await RealControlPlane.with { plane in
            try await runAll(ClusterUnderTest(kubeconfig: plane.kubeconfig, namespace: "conformance"))
        }
    }

    private func runAll(_ cluster: ClusterUnderTest) async throws {
        for (name, check) in ConformanceChecks.all {
            do {
                try await check(cluster)
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
    }
}
