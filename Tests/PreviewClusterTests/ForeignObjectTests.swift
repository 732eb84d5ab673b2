import DevCluster
import FoundationEssentials
import PreviewDomain
import TestSupport
import Testing

@testable import PreviewControl

/// An object that no longer belongs to this service leaves the copy, whatever the change: limits and the reaper use the
/// copy.
@Suite("Objects that no longer belong to this service", .timeLimit(.minutes(10)))
struct ForeignObjectTests {
    /// A change after which an object does not belong to this service.
    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let labels: @Sendable (inout JSONValue) -> Void
    }

    static let changes = [
        Change(testDescription: "another token, which the selector still accepts") { object in
            object["metadata", "labels", PreviewLabel.token] = "another-token"
        },
        Change(testDescription: "no token, which the selector does not accept") { object in
            object["metadata", "labels", PreviewLabel.token] = nil
        },
        Change(testDescription: "another part, which the selector does not accept") { object in
            object["metadata", "labels", PreviewLabel.partOf] = "another"
        },
    ]

    @Test("They leave the copy", arguments: [ResourceKind.httpRoutes, .services], changes)
    func anObjectThatIsNoLongerOursLeavesTheCopy(kind: ResourceKind, change: Change) async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            let token = try await replica.start(run)
            try await replica.whileWatching {
                await waitUntil {
                    replica.mirror.lastSeenRoute(token) != nil && replica.mirror.lastSeenBackend(token) != nil
                }
                try cluster.store.update(kind, namespace: TestCluster.namespace, name: token.objectName, change.labels)
                await waitUntil {
                    kind == .httpRoutes
                        ? replica.mirror.lastSeenRoute(token) == nil : replica.mirror.lastSeenBackend(token) == nil
                }
                #expect(kind == .services || replica.mirror.previewCount == 0)
                // The reaper does not touch it either.
                cluster.advance(by: .seconds(1_000_000))
                try await replica.reaper.sweep()
                #expect(cluster.previewObjects.contains(token.objectName))
            }
        }
    }

    @Test func anObjectDeletedAfterItCeasedToBeOursLeavesTheCopyToo() async throws {
        try await TestCluster.withReplica { cluster, replica, run in
            let token = try await replica.start(run)
            let latch = Latch()
            // The watch sees both changes only when it is reopened.
            cluster.faults.add(.init(verb: "watch", resource: "httproutes", fault: .holdWatch(latch)))
            try await replica.whileWatching {
                try cluster.store.update(.httpRoutes, namespace: TestCluster.namespace, name: token.objectName) {
                    $0["metadata", "labels", PreviewLabel.token] = "another-token"
                }
                try cluster.delete(.httpRoutes, token.objectName)
                latch.open()
                await waitUntil { replica.mirror.lastSeenRoute(token) == nil }
            }
        }
    }
}
