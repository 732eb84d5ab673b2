public import KubernetesClient
internal import KubernetesModel
public import PreviewControl
internal import PreviewDomain

/// Metadata-only watches over the previews' routes, their Services, and the pods of the namespace.
public struct KubernetesClusterFeed: ClusterFeed {
    private let client: KubernetesClient
    private let namespace: String

    public init(client: KubernetesClient, namespace: String) {
        self.client = client
        self.namespace = namespace
    }

    public func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        let owned = KubernetesPreviewObjects.owned
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await informer(of: HTTPRoute.resource, labels: owned).run { event in
                    if let change = event.change(
                        .routes,
                        make: Preview.init,
                        replaced: ClusterChange.routesReplaced,
                        applied: ClusterChange.routeApplied,
                        deleted: { .routeDeleted($0.token) }
                    ) {
                        await handle(change)
                    }
                }
            }
            group.addTask {
                try await informer(of: Service.resource, labels: owned).run { event in
                    if let change = event.change(
                        .backends,
                        make: PreviewBackend.init,
                        replaced: ClusterChange.backendsReplaced,
                        applied: ClusterChange.backendApplied,
                        deleted: { .backendDeleted($0.token) }
                    ) {
                        await handle(change)
                    }
                }
            }
            group.addTask {
                try await informer(of: Pod.resource, fields: KubernetesPreviewObjects.alive).run { event in
                    if let change = event.change(
                        .pods,
                        make: PodIdentity.init,
                        replaced: ClusterChange.podsReplaced,
                        applied: ClusterChange.podApplied,
                        deleted: ClusterChange.podDeleted
                    ) {
                        await handle(change)
                    }
                }
            }
            // Informers end by cancellation alone; should one fail, the others end with it.
            try await group.next()
            group.cancelAll()
        }
    }

    private func informer(
        of resource: APIResource,
        labels: LabelSelector? = nil,
        fields: FieldSelector? = nil
    ) -> MetadataInformer {
        MetadataInformer(
            client: client,
            resource: resource,
            namespace: namespace,
            labelSelector: labels,
            fieldSelector: fields
        )
    }
}
