import DevCluster
import FoundationEssentials
import PreviewDomain
import Testing

import enum Basics.RFC3339

@testable import PreviewControl

/// The objects that belong to this service: its previews and those that the platform's earlier service left, halves of
/// both, and nothing else.
@Suite("Objects that belong to this service", .timeLimit(.minutes(10)))
struct ManagedObjectTests {
    private static let minute = Duration.seconds(60)

    // MARK: Previews of the earlier service

    @Test func aLegacyPreviewIsListedKeptAliveAndStopped() async throws {
        let run = try RunID.testing()
        let token = try #require(PreviewToken("legacy-preview"))
        try await TestCluster.run { cluster in
            try cluster.addLegacyPreview(token, of: run)
            cluster.advance(by: Self.minute * 10)
            let replica = try await Replica(cluster)
            #expect(try await replica.previews.list(run: run).map(\.token) == [token])
            let kept = try await replica.previews.keepAlive(run: run, token: token)
            let written = cluster.route(token)?.annotations[PreviewAnnotations.Key.expiresAt]
            #expect(written == RFC3339.string(kept.expiresAt))
            // Without the keepalive it would expire 30 minutes after its creation.
            cluster.advance(by: Self.minute * 25)
            try await Replica(cluster).reaper.sweep()
            #expect(cluster.previewObjects.count == 2)
            try await replica.previews.stop(run: run, token: token)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test func aLegacyPreviewEndsByIdlingAndByTheHardCap() async throws {
        let run = try RunID.testing()
        let token = try #require(PreviewToken("legacy-preview"))
        try await TestCluster.run { cluster in
            try cluster.addLegacyPreview(token, of: run)
            cluster.advance(by: Self.minute * 29)
            _ = try await Replica(cluster)
            #expect(cluster.previewObjects.count == 2)
            cluster.advance(by: Self.minute * 2)
            _ = try await Replica(cluster)
            #expect(cluster.previewObjects.isEmpty)

            try cluster.addLegacyPreview(token, of: run)
            try cluster.setExpiry(of: token, in: Self.minute * 60 * 24)
            cluster.advance(by: Self.minute * 60 * 8)
            _ = try await Replica(cluster)
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test func aForeignTokenAndAnUnknownOneLookTheSame() async throws {
        let (run, other) = (try RunID.testing(1), try RunID.testing(2))
        let token = try #require(PreviewToken("legacy-preview"))
        let unknown = try #require(PreviewToken("unknown-preview"))
        try await TestCluster.run { cluster in
            try cluster.addLegacyPreview(token, of: other)
            let replica = try await Replica(cluster)
            for token in [token, unknown] {
                let kept = await #expect(throws: PreviewError.self) {
                    _ = try await replica.previews.keepAlive(run: run, token: token)
                }
                let stopped = await #expect(throws: PreviewError.self) {
                    try await replica.previews.stop(run: run, token: token)
                }
                #expect(kept == .previewNotFound && stopped == .previewNotFound)
            }
            #expect(cluster.previewObjects.count == 2)
        }
    }

    // MARK: Incomplete pairs

    @Test func incompletePairsAreDeletedAfterTheirGraceAndNotBefore() async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            let (routeless, serviceless) = (try await replica.start(run), try await replica.start(run))
            try cluster.delete(.httpRoutes, routeless.objectName)
            try cluster.delete(.services, serviceless.objectName)
            cluster.advance(by: .seconds(110))
            try await replica.reaper.sweep()
            #expect(Set(cluster.previewObjects) == [routeless.objectName, serviceless.objectName])
            cluster.advance(by: .seconds(20))
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test func aStopCompletesAnIncompleteStop() async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            for half in [ResourceKind.httpRoutes, .services] {
                let token = try await replica.start(run)
                try cluster.delete(half, token.objectName)
                try await replica.previews.stop(run: run, token: token)
                #expect(cluster.previewObjects.isEmpty)
                let error = await #expect(throws: PreviewError.self) {
                    try await replica.previews.stop(run: run, token: token)
                }
                #expect(error == .previewNotFound)
            }
        }
    }

    // MARK: Ends

    @Test("A preview is deleted with its pod", arguments: [true, false])
    func aPreviewGoesWithItsPod(staysAsObject: Bool) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            _ = try await replica.start(run)
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.count == 2)
            if staysAsObject { try cluster.endPod(sandbox) } else { try cluster.delete(.pods, sandbox.podName) }
            try await replica.reaper.sweep()
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    @Test("If previews end with their run, one is reaped once the claim is gone, not while it is being deleted")
    func aPreviewGoesWithItsClaim() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let sandbox = try cluster.addSandbox(for: run) { $0.finalizers = ["test/hold"] }
            let keeping = try await Replica(cluster)
            let ending = try await Replica(cluster, keepsAfterRun: false)
            _ = try await ending.start(run)
            try cluster.delete(.sandboxClaims, sandbox.name)
            try await ending.reaper.sweep()
            #expect(cluster.previewObjects.count == 2, "the claim is still there")
            try cluster.store.update(.sandboxClaims, namespace: TestCluster.namespace, name: sandbox.name) { claim in
                claim["metadata", "finalizers"] = []
            }
            try await keeping.reaper.sweep()
            #expect(cluster.previewObjects.count == 2, "kept after its run")
            cluster.faults.add(
                .init(verb: "list", resource: "sandboxclaims", times: 2, fault: ClusterFault.failing.fault)
            )
            try await ending.reaper.sweep()
            #expect(cluster.previewObjects.count == 2, "unknown is not gone")
            try await ending.reaper.sweep()
            #expect(cluster.previewObjects.isEmpty)
        }
    }

    // MARK: Objects of others

    @Test func whatIsNotOursIsNeverTouched() async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            let strangers: [(name: String, labels: JSONValue)] = [
                ("nobodys", [:]),
                ("another-part", [PreviewLabel.partOf: "another", PreviewLabel.token: "another-part"]),
                ("another-token", [PreviewLabel.partOf: "agentweaver", PreviewLabel.token: "a-different-one"]),
                ("no-token", [PreviewLabel.partOf: "agentweaver", PreviewLabel.preview: "true"]),
            ]
            for (name, labels) in strangers {
                let token = try #require(PreviewToken(name))
                try cluster.addService(token, labels: labels)
                try cluster.addRoute(token, labels: labels)
            }
            let before = cluster.store.list(.httpRoutes).items + cluster.store.list(.services).items
            cluster.advance(by: .seconds(1_000_000))
            let replica = try await Replica(cluster)
            try await replica.reaper.sweep()
            for (name, _) in strangers {
                let token = try #require(PreviewToken(name))
                let kept = await #expect(throws: PreviewError.self) {
                    _ = try await replica.previews.keepAlive(run: run, token: token)
                }
                let stopped = await #expect(throws: PreviewError.self) {
                    try await replica.previews.stop(run: run, token: token)
                }
                #expect(kept == .previewNotFound && stopped == .previewNotFound)
            }
            #expect(before == cluster.store.list(.httpRoutes).items + cluster.store.list(.services).items)
        }
    }
}
