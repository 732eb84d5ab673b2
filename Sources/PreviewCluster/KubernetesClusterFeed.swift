public import KubernetesClient
internal import KubernetesModel
public import Metrics
public import PreviewControl
internal import PreviewDomain

/// Watches over the previews' routes, their Services, and the claims, Sandboxes and pods of the namespace.
///
/// All but the claims' are metadata-only: whether a claim is Ready, and what it is bound to, is in its status. A kind
/// that the cluster does not know (its CRD is not installed) is asked for again, ever more slowly, and holds up no other.
public struct KubernetesClusterFeed: ClusterFeed {
    private let routes: MetadataInformer
    private let backends: MetadataInformer
    private let pods: MetadataInformer
    private let claims: Informer<SandboxClaim>
    private let sandboxes: MetadataInformer
    private let cache: SandboxCache
    private let metrics: WatchMetrics

    /// - Parameters:
    ///   - sandboxes: Gets what leads from runs to their pods.
    ///   - metrics: Where is counted how often a watch breaks.
    public init(
        client: KubernetesClient,
        namespace: String,
        sandboxes cache: SandboxCache,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        func metadata(
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
        routes = metadata(of: HTTPRoute.resource, labels: KubernetesPreviewObjects.owned)
        backends = metadata(of: Service.resource, labels: KubernetesPreviewObjects.owned)
        pods = metadata(of: Pod.resource, fields: KubernetesPreviewObjects.alive)
        claims = Informer<SandboxClaim>(client: client, namespace: namespace)
        sandboxes = metadata(of: Sandbox.resource)
        self.cache = cache
        self.metrics = WatchMetrics(metrics)
    }

    public func isAlive() async -> Bool {
        async let routes = routes.isAlive()
        async let backends = backends.isAlive()
        async let pods = pods.isAlive()
        return await (routes, backends, pods) == (true, true, true)
    }

    /// How long ago the API server last confirmed each copy, by the resource's plural; without those that have not
    /// arrived yet.
    public var silences: [String: Duration] {
        [
            HTTPRoute.resource.plural: routes.silence, Service.resource.plural: backends.silence,
            Pod.resource.plural: pods.silence, SandboxClaim.resource.plural: claims.silence,
            Sandbox.resource.plural: sandboxes.silence,
        ].compactMapValues(\.self)
    }

    public func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await followRoutes(handle) }
            group.addTask { try await followBackends(handle) }
            group.addTask { try await followPods(handle) }
            group.addTask { try await followClaims(handle) }
            group.addTask { try await followSandboxes() }
            // Informers end by cancellation alone; should one fail, the others end with it.
            try await group.next()
            group.cancelAll()
        }
    }

    private func followRoutes(_ handle: @Sendable (ClusterChange) async -> Void) async throws {
        try await routes.run(keeping: { Preview($0.metadata) }) { event in
            metrics.note(event, of: HTTPRoute.resource)
            let change = event.change(
                .routes,
                value: \.self,
                replaced: ClusterChange.routesReplaced,
                applied: ClusterChange.routeApplied,
                deleted: { .routeDeleted($0.token) },
                dropped: { PreviewToken(objectName: $0).map(ClusterChange.routeDeleted) }
            )
            if let change { await handle(change) }
        }
    }

    private func followBackends(_ handle: @Sendable (ClusterChange) async -> Void) async throws {
        try await backends.run(keeping: { PreviewBackend($0.metadata) }) { event in
            metrics.note(event, of: Service.resource)
            let change = event.change(
                .backends,
                value: \.self,
                replaced: ClusterChange.backendsReplaced,
                applied: ClusterChange.backendApplied,
                deleted: { .backendDeleted($0.token) },
                dropped: { PreviewToken(objectName: $0).map(ClusterChange.backendDeleted) }
            )
            if let change { await handle(change) }
        }
    }

    private func followPods(_ handle: @Sendable (ClusterChange) async -> Void) async throws {
        try await pods.run(keeping: { KnownPod($0.metadata) }) { event in
            metrics.note(event, of: Pod.resource)
            cache.applyPods(event)
            let change = event.change(
                .pods,
                value: \.identity,
                replaced: ClusterChange.podsReplaced,
                applied: ClusterChange.podApplied,
                deleted: ClusterChange.podDeleted,
                // Every pod that the API server sends has a UID and is kept; what ends leaves the selector.
                dropped: { _ in nil }
            )
            if let change { await handle(change) }
        }
    }

    private func followClaims(_ handle: @Sendable (ClusterChange) async -> Void) async throws {
        try await claims.run(keeping: { KnownClaim($0) }) { event in
            metrics.note(event, of: SandboxClaim.resource)
            cache.applyClaims(event)
            let change = event.change(
                .claims,
                value: \.identity,
                replaced: ClusterChange.claimsReplaced,
                applied: ClusterChange.claimApplied,
                deleted: ClusterChange.claimDeleted,
                // As with pods, there is none without a UID.
                dropped: { _ in nil }
            )
            if let change { await handle(change) }
        }
    }

    private func followSandboxes() async throws {
        try await sandboxes.run(keeping: { KnownSandbox($0.metadata) }) { event in
            metrics.note(event, of: Sandbox.resource)
            cache.applySandboxes(event)
        }
    }
}
