import Testing

@testable import DevCluster

@Suite("Envoy's statistics about its files", .timeLimit(.minutes(10)))
struct EnvoyStatisticsTests {
    @Test func versionsAndRejectionsAreRead() {
        let statistics = EnvoyStatistics(
            page: """
                cluster_manager.cds.version_text: "c1"
                http.previews.rds.previews.version_text: "r1"
                cluster_manager.cds.update_rejected: 2
                http.previews.rds.previews.update_rejected: 3
                cluster.agentweaver/preview-a/80.version_text: "e1"
                cluster.agentweaver/preview-a/80.update_rejected: 1

                """
        )
        #expect(statistics.clusters == .init(version: "c1", rejections: 2))
        #expect(statistics.routes == .init(version: "r1", rejections: 3))
        #expect(statistics.endpoints == ["agentweaver/preview-a/80": .init(version: "e1", rejections: 1)])
    }

    @Test(arguments: [
        "", "cluster_manager.cds.version_text: \"\"", "nonsense", "cluster_manager.cds.update_rejected: x",
    ])
    func missingStatisticsHaveNoVersionAndNoRejections(page: String) {
        #expect(EnvoyStatistics(page: page).clusters == .init(version: nil, rejections: 0))
    }
}
