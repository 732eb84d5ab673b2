import DevCluster
import KubernetesClient
import PreviewDomain
import PrometheusMetrics
import TestSupport
import Testing

@testable import PreviewCluster
@testable import PreviewControl

/// A caller that disconnects is not a fault of the cluster.
@Suite("Callers that disconnect", .timeLimit(.minutes(10)))
struct CancelledCallTests {
    @Test("A caller that disconnects at any request of a start leaves nothing", arguments: ClusterFaultTests.startSteps)
    func aCancelledStartLeavesNothing(step: Step) async throws {
        let run = try RunID.testing()
        let metrics = PrometheusRegistry(help: [:])
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster, observer: ClusterRequestMetrics(metrics).observe)
            step.meets(.hang, on: cluster)
            cluster.requests.reset()
            let call = Task { try await replica.start(run) }
            await waitUntil {
                cluster.requests.count(verb: step.verb, resource: step.resource) > (step.hasService ? 1 : 0)
            }
            call.cancel()
            let error = await #expect(throws: PreviewError.self) { _ = try await call.value }
            #expect(error?.kind == .cancelled)
            #expect(cluster.previewObjects.isEmpty)
        }
        #expect(metrics.text.contains(#"code="cancelled""#))
        #expect(!metrics.text.contains("transport_cancelled"))
    }
}
