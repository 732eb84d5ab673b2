import Foundation
import OpenSSLKit
import PreviewCluster
import PreviewControl
import PreviewDomain
import TestPeers

/// The objects of many previews, which are created to measure the effect of their number.
struct Population: Sendable {
    /// The number of previews of each run.
    static let previewsPerRun = 10
    private static let concurrency = 32

    let blueprints: [PreviewBlueprint]

    /// Defines new previews; nothing is created yet.
    ///
    /// - Parameters:
    ///   - count: The number of previews.
    ///   - runs: The runs to which they belong, in turn.
    ///   - expiry: The expiry of each preview, by its number.
    init(
        _ count: Int,
        of runs: [Platform.Run],
        expiry: (Int) -> Date = { _ in Date() + .seconds(4 * 3600) }
    ) throws {
        let now = Date()
        blueprints = try (0..<count).map { number in
            let run = runs[number % runs.count]
            let annotations = PreviewAnnotations(
                expiresAt: expiry(number),
                maxUntil: now + .seconds(8 * 3600),
                runID: run.id,
                claimUID: run.claimUID,
                token: try PreviewToken.mint { try CSPRNG.bytes($0) },
                owner: "ada",
                pod: run.pod,
                podUID: run.podUID,
                targetPort: 3000,
                startedAt: now
            )
            return PreviewBlueprint(
                annotations: annotations,
                selector: .existing([ClusterLabel.claimUID: run.claimUID])
            )
        }
    }

    var tokens: [PreviewToken] { blueprints.map(\.annotations.token) }

    func createRoutes(_ objects: KubernetesPreviewObjects) async throws {
        try await forEach(blueprints, concurrency: Self.concurrency) { _ = try await objects.createRoute(for: $0) }
    }

    func createServices(_ objects: KubernetesPreviewObjects) async throws {
        try await forEach(blueprints, concurrency: Self.concurrency) { _ = try await objects.createService(for: $0) }
    }

    func create(_ objects: KubernetesPreviewObjects) async throws {
        try await createServices(objects)
        try await createRoutes(objects)
    }
}
