import Basics
import Foundation
import KubernetesClient
import KubernetesModel
import Testing

extension ConformanceChecks {
    @Sendable static func pagedLists(_ cluster: ClusterUnderTest) async throws {
        let labels = ["check": "pages"]
        for number in 0..<7 {
            _ = try await cluster.client.create(
                cluster.service("page-\(number)", labels: labels),
                in: cluster.namespace
            )
        }
        let small = cluster.client.limited(to: RequestLimits(pageSize: 3))
        let selector = LabelSelector(matching: labels)
        let typed = try await small.list(Service.self, in: cluster.namespace, labelSelector: selector)
        #expect(typed.items.map(\.metadata.name).sorted() == (0..<7).map { "page-\($0)" })
        #expect(!typed.metadata.resourceVersion.isEmpty)
        let metadata = try await small.listMetadata(of: Service.self, in: cluster.namespace, labelSelector: selector)
        #expect(metadata.items.count == 7)
    }

    @Sendable static func metadataLists(_ cluster: ClusterUnderTest) async throws {
        _ = try await cluster.client.create(
            cluster.service("metadata-only", labels: ["check": "metadata"]),
            in: cluster.namespace
        )
        let list = try await cluster.client.listMetadata(
            of: Service.self,
            in: cluster.namespace,
            labelSelector: "check=metadata"
        )
        let only = try #require(list.items.first)
        #expect(list.items.count == 1)
        #expect(only.metadata.name == "metadata-only")
        #expect(only.metadata.labels == ["check": "metadata"])
    }

    @Sendable static func informer(_ cluster: ClusterUnderTest) async throws {
        let labels = ["check": "informer"]
        _ = try await cluster.client.create(cluster.service("seen-first", labels: labels), in: cluster.namespace)
        let events = try await record(cluster, LabelSelector(matching: labels)) { recorder in
            await recorder.waits { $0.contains("replaced seen-first") }
            let created = try await cluster.client.create(
                cluster.service("seen-later", labels: labels),
                in: cluster.namespace
            )
            await recorder.waits { $0.contains("applied seen-later") }
            _ = try await cluster.client.delete(
                Service.self,
                named: "seen-later",
                in: cluster.namespace,
                preconditions: Preconditions(uid: try #require(created.metadata.uid))
            )
            await recorder.waits { $0.contains("deleted seen-later informer") }
        }
        #expect(events.first == "replaced seen-first")
    }

    @Sendable static func selectorTransitions(_ cluster: ClusterUnderTest) async throws {
        let labels = ["check": "transition"]
        _ = try await cluster.client.create(cluster.service("changing", labels: labels), in: cluster.namespace)
        _ = try await record(cluster, LabelSelector(matching: labels)) { recorder in
            await recorder.waits { $0.contains("replaced changing") }
            _ = try await cluster.client.patchMetadata(
                of: Service.self,
                named: "changing",
                in: cluster.namespace,
                .merge(MergePatch(["metadata": ["labels": ["check": "other"]]]))
            )
            // The event contains the last state that the selector matched.
            await recorder.waits { $0.contains("deleted changing transition") }
            _ = try await cluster.client.patchMetadata(
                of: Service.self,
                named: "changing",
                in: cluster.namespace,
                .merge(MergePatch(["metadata": ["labels": ["check": "transition"]]]))
            )
            await recorder.waits { $0.contains("applied changing") }
        }
    }

    /// An object that stays within the selector is reported as changed, whatever its other labels.
    @Sendable static func changesWithinASelector(_ cluster: ClusterUnderTest) async throws {
        let created = try await cluster.client.create(
            cluster.service("relabelled", labels: ["check": "within", "token": "first"]),
            in: cluster.namespace
        )
        _ = try await record(cluster, "check=within,token") { recorder in
            await recorder.waits { $0.contains("replaced relabelled") }
            _ = try await cluster.client.patchMetadata(
                of: Service.self,
                named: "relabelled",
                in: cluster.namespace,
                .merge(MergePatch(["metadata": ["labels": ["token": "second"]]]))
            )
            await recorder.waits { $0.contains("applied relabelled") }
            _ = try await cluster.client.delete(
                Service.self,
                named: "relabelled",
                in: cluster.namespace,
                preconditions: Preconditions(uid: try #require(created.metadata.uid))
            )
            await recorder.waits { $0.contains("deleted relabelled within") }
        }
    }

    @Sendable static func discovery(_ cluster: ClusterUnderTest) async throws {
        // The client chooses the version; a missing object rather than a missing group shows that it found one.
        await expect(.notFound(.object)) {
            _ = try await cluster.client.get(SandboxClaim.self, named: "agent-nobody", in: cluster.namespace)
        }
        await expect(.notFound(.object)) {
            _ = try await cluster.client.get(Sandbox.self, named: "nobody", in: cluster.namespace)
        }
    }

    @Sendable static func serverTime(_ cluster: ClusterUnderTest) async throws {
        _ = try await cluster.client.listMetadata(of: Service.self, in: cluster.namespace)
        let reading = try #require(cluster.client.serverClock.reading())
        // The server and this process use the same machine's clock.
        #expect(reading.earliest <= Date())
        #expect(reading.latest >= Date(timeIntervalSinceNow: -1))
        #expect(reading.width <= .seconds(2))
    }

    @Sendable static func garbageCollection(_ cluster: ClusterUnderTest) async throws {
        let owner = try await cluster.client.create(cluster.service("owner"), in: cluster.namespace)
        let uid = try #require(owner.metadata.uid)
        var service = cluster.service("owned", labels: ["check": "garbage"])
        service.metadata.ownerReferences = [OwnerReference(apiVersion: "v1", kind: "Service", name: "owner", uid: uid)]
        _ = try await cluster.client.create(service, in: cluster.namespace)
        _ = try await record(cluster, "check=garbage") { recorder in
            await recorder.waits { $0.contains("replaced owned") }
            _ = try await cluster.client.delete(
                Service.self,
                named: "owner",
                in: cluster.namespace,
                preconditions: Preconditions(uid: uid)
            )
            await recorder.waits { $0.contains("deleted owned garbage") }
        }
    }

    /// Runs an informer over Services while `work` runs, and returns what it reported.
    private static func record(
        _ cluster: ClusterUnderTest,
        _ selector: LabelSelector,
        _ work: @escaping @Sendable (EventRecorder) async throws -> Void
    ) async throws -> [String] {
        try await record(
            MetadataInformer(
                client: cluster.client,
                resource: Service.resource,
                namespace: cluster.namespace,
                labelSelector: selector
            ),
            work
        )
    }

    /// Runs an informer while `work` runs, and returns what it reported.
    static func record(
        _ informer: MetadataInformer,
        _ work: @escaping @Sendable (EventRecorder) async throws -> Void
    ) async throws -> [String] {
        let recorder = EventRecorder()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informer.run { await recorder.record($0) } }
            try await work(recorder)
            group.cancelAll()
        }
        return await recorder.events
    }
}

/// Collects an informer's events as short texts.
actor EventRecorder {
    private(set) var events: [String] = []
    private var waiters: [(condition: @Sendable ([String]) -> Bool, continuation: CheckedContinuation<Void, Never>)] =
        []

    func record(_ event: InformerEvent<PartialObjectMetadata>) {
        switch event {
        case .replaced(let objects): events += objects.map { "replaced \($0.metadata.name)" }
        case .applied(let object): events.append("applied \(object.metadata.name)")
        case .deleted(let object):
            events.append("deleted \(object.metadata.name) \(object.metadata.labels["check"] ?? "")")
        case .dropped(let name): events.append("dropped \(name)")
        case .interrupted: events.append("interrupted")
        case .resumed: events.append("resumed")
        }
        let met = waiters.filter { $0.condition(events) }
        waiters.removeAll { $0.condition(events) }
        for waiter in met { waiter.continuation.resume() }
    }

    /// Returns once the events so far meet `condition`.
    func waits(until condition: @escaping @Sendable ([String]) -> Bool) async {
        guard !condition(events) else { return }
        await withCheckedContinuation { waiters.append((condition, $0)) }
    }
}
