import Foundation
import KubernetesClient
import KubernetesModel
import Testing

extension ConformanceChecks {
    @Sendable static func eventsOfAnObject(_ cluster: ClusterUnderTest) async throws {
        let labels = ["check": "events"]
        let subject = UUID().uuidString.lowercased()
        _ = try await cluster.client.create(
            cluster.event("subject.1", about: subject, labels: labels),
            in: cluster.namespace
        )
        await expect(.alreadyExists) {
            _ = try await cluster.client.create(
                cluster.event("subject.1", about: subject, labels: labels),
                in: cluster.namespace
            )
        }
        _ = try await cluster.client.create(
            cluster.event("other.1", about: "another", labels: labels),
            in: cluster.namespace
        )
        _ = try await cluster.client.create(cluster.event("subject.0", about: subject), in: cluster.namespace)
        let informer = MetadataInformer(
            client: cluster.client,
            resource: Event.resource,
            namespace: cluster.namespace,
            labelSelector: LabelSelector(matching: labels),
            fieldSelector: FieldSelector("involvedObject.uid=\(subject)")
        )
        let seen = try await record(informer) { recorder in
            await recorder.waits { $0.contains("replaced subject.1") }
            for (name, uid) in [("other.2", "another"), ("subject.2", subject)] {
                _ = try await cluster.client.create(
                    cluster.event(name, about: uid, labels: labels),
                    in: cluster.namespace
                )
            }
            await recorder.waits { $0.contains("applied subject.2") }
        }
        #expect(seen == ["replaced subject.1", "applied subject.2"])
        let list = try await cluster.client.listMetadata(
            of: Event.self,
            in: cluster.namespace,
            labelSelector: LabelSelector(matching: labels)
        )
        // An event that was written later has a greater version.
        let versions = list.items.sorted { $0.metadata.name < $1.metadata.name }
            .compactMap { $0.metadata.resourceVersion.flatMap { UInt64($0) } }
        #expect(versions.count == 4)
        #expect(versions[2] < versions[3], "subject.1 is older than subject.2")
        #expect(list.items.allSatisfy { $0.metadata.annotations["note"] == "kept" })
    }
}

extension ClusterUnderTest {
    fileprivate func event(_ name: String, about uid: String, labels: [String: String] = [:]) -> Event {
        Event(
            metadata: ObjectMeta(name: name, namespace: namespace, labels: labels, annotations: ["note": "kept"]),
            involvedObject: ObjectReference(kind: "SandboxClaim", namespace: namespace, name: "subject", uid: uid),
            reason: "Checked",
            message: "A check of the API server.",
            type: "Normal",
            count: 1,
            firstTimestamp: Date(),
            lastTimestamp: Date(),
            reportingComponent: "conformance"
        )
    }
}
