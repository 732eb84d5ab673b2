import DevCluster
import FoundationEssentials
import KubernetesClient
import PreviewDomain
import TestSupport
import Testing

import struct KubernetesModel.SandboxClaim

@testable import PreviewCluster
@testable import PreviewControl

/// Releases of agent-sandbox, identified by the versions that they serve.
@Suite("Versions of agent-sandbox", .timeLimit(.minutes(2)))
struct ServedVersionTests {
    /// The schema of a claim's status, with the fields that are read, and without them.
    private static let status: JSONValue = [
        "type": "object",
        "properties": [
            "conditions": ["type": "array", "items": ["type": "object"]],
            "sandbox": ["type": "object", "properties": ["name": ["type": "string"]]],
        ],
    ]
    private static let otherStatus: JSONValue = ["type": "object", "properties": ["phase": ["type": "string"]]]

    private static func kinds(_ versions: [String], schemas: [String: JSONValue] = [:]) -> [ResourceKind] {
        ResourceKind.all.map { kind in
            guard [.sandboxes, .sandboxClaims].contains(kind) else { return kind }
            return Self.serving(kind, versions, schemas)
        }
    }

    private static func serving(
        _ kind: ResourceKind,
        _ versions: [String],
        _ schemas: [String: JSONValue] = [:]
    ) -> ResourceKind {
        var kind = kind
        kind.versions = versions
        if kind == .sandboxClaims { kind.statusSchemas = schemas }
        return kind
    }

    @Test(
        "A preview starts on every release",
        arguments: [["v1alpha1"], ["v1beta1"], ["v1beta1", "v1alpha1"], ["v1"], ["v1", "v1beta1"], ["v2", "v1"]]
    )
    func aPreviewStartsOnEveryRelease(versions: [String]) async throws {
        let run = try RunID.testing()
        let schemas = Dictionary(uniqueKeysWithValues: versions.map { ($0, Self.status) })
        try await TestCluster.run(kinds: Self.kinds(versions, schemas: schemas)) { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                cluster.requests.reset()
                _ = try await replica.start(run)
                #expect(cluster.requests.count() == 3)
                #expect(try await replica.client.usedVersion(of: SandboxClaim.resource) == versions[0])
            }
        }
    }

    @Test func aVersionWithoutTheFieldsIsSkipped() async throws {
        let run = try RunID.testing()
        let schemas = ["v1": Self.otherStatus, "v1beta1": Self.status]
        try await TestCluster.run(kinds: Self.kinds(["v1", "v1beta1"], schemas: schemas)) { cluster in
            try cluster.addSandbox(for: run)
            let replica = try await Replica(cluster)
            _ = try await replica.start(run)
            #expect(try await replica.client.usedVersion(of: SandboxClaim.resource) == "v1beta1")
        }
    }

    /// From 0.4 to 0.5, from 0.5 to 1.0, both at once, and back.
    @Test(
        "An upgrade is noticed without a restart",
        arguments: [
            (["v1alpha1"], ["v1beta1"]), (["v1alpha1"], ["v1beta1", "v1alpha1"]), (["v1beta1", "v1alpha1"], ["v1"]),
            (["v1alpha1"], ["v1"]), (["v1"], ["v1beta1"]),
        ]
    )
    func anUpgradeIsNoticed(before: [String], after: [String]) async throws {
        let (first, second) = (try RunID.testing(1), try RunID.testing(2))
        try await TestCluster.run(kinds: Self.kinds(before)) { cluster in
            try cluster.addSandbox(for: first)
            let replica = try await Replica(cluster)
            try await replica.whileWatching {
                let token = try await replica.start(first)
                for kind in [ResourceKind.sandboxClaims, .sandboxes] {
                    cluster.store.serve(Self.serving(kind, after))
                }
                try cluster.addSandbox(for: second)
                // The copy follows, and so do requests to the cluster.
                await waitUntil { replica.mirror.claim(of: second) != nil && replica.mirror.isFresh }
                _ = try await replica.start(second)
                #expect(try await replica.client.usedVersion(of: SandboxClaim.resource) == after[0])
                _ = try await replica.previews.keepAlive(run: first, token: token)
                try await replica.reaper.sweep(lists: true)
                #expect(cluster.previewObjects.count == 4)
            }
        }
    }
}
