public import KubernetesClient
internal import KubernetesModel
public import Metrics
public import PreviewControl
internal import PreviewDomain

/// Watches the previews' routes and Services, the claims, Sandboxes and pods of the namespace, and the preview Gateway:
/// one watch for each kind.
///
/// All but the claims' are metadata-only: whether a claim is Ready, and to what it is bound, is in its status. A kind
/// that the cluster does not serve (its CRD is not installed) is retried at growing intervals, and delays no other.
public struct KubernetesClusterFeed: ClusterFeed {
    private let routes: MetadataInformer
    private let backends: MetadataInformer
    private let pods: MetadataInformer
    private let claims: Informer<SandboxClaim>
    private let sandboxes: MetadataInformer
    private let gateways: MetadataInformer
    private let metrics: WatchMetrics

    /// - Parameter metrics: Counts broken watches.
    public init(
        client: KubernetesClient,
        manifests: PreviewManifests,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        func metadata(
            of resource: APIResource,
            in namespace: String? = nil,
            labels: LabelSelector? = nil,
            fields: FieldSelector? = nil
        ) -> MetadataInformer {
            MetadataInformer(
                client: client,
                resource: resource,
                namespace: namespace ?? manifests.namespace,
                labelSelector: labels,
                fieldSelector: fields
            )
        }
        routes = metadata(of: HTTPRoute.resource, labels: KubernetesPreviewObjects.owned)
        backends = metadata(of: Service.resource, labels: KubernetesPreviewObjects.owned)
        pods = metadata(of: Pod.resource, fields: KubernetesPreviewObjects.alive)
        claims = Informer<SandboxClaim>(client: client, namespace: manifests.namespace)
        sandboxes = metadata(of: Sandbox.resource)
        gateways = metadata(
            of: Gateway.resource,
            in: manifests.gatewayNamespace,
            fields: .name(manifests.gatewayName)
        )
        self.metrics = WatchMetrics(metrics)
    }

    public func isAlive() async -> Bool {
        async let routes = routes.isAlive()
        async let backends = backends.isAlive()
        async let pods = pods.isAlive()
        return await (routes, backends, pods) == (true, true, true)
    }

    /// The time since the API server last confirmed the copies of the objects between runs and pods, by the resource's
    /// plural; without those that have not arrived yet.
    public var cacheAges: [String: Duration] {
        let claims = (claims.resource.plural, claims.silence)
        let others = [routes, backends, pods, sandboxes].map { ($0.resource.plural, $0.silence) }
        return Dictionary(uniqueKeysWithValues: others + [claims]).compactMapValues(\.self)
    }

    public func run(_ handle: @escaping @Sendable (ClusterChange) async -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await follow(routes, handle) { Preview($0.metadata) } }
            group.addTask { try await follow(backends, handle) { PreviewBackend($0.metadata) } }
            group.addTask { try await follow(pods, handle) { PodRecord($0.metadata) } }
            group.addTask { try await follow(claims, handle) { RunClaim($0) } }
            group.addTask { try await follow(sandboxes, handle) { SandboxRecord($0.metadata) } }
            group.addTask {
                try await follow(gateways, handle) {
                    GatewayRecord(name: $0.metadata.name, grants: StandingGrants(gateway: $0))
                }
            }
            // Informers end only by cancellation; if one fails, the others end with it.
            try await group.next()
            group.cancelAll()
        }
    }

    private func follow<Object, Kept: MirroredObject>(
        _ informer: Informer<Object>,
        _ handle: @Sendable (ClusterChange) async -> Void,
        keeping keep: @Sendable (Object) -> Kept?
    ) async throws {
        try await informer.run(keeping: keep) { event in
            metrics.record(event, of: informer.resource)
            switch event {
            case .replaced(let objects): await handle(Kept.change(.replaced(objects)))
            case .applied(let object): await handle(Kept.change(.applied(object)))
            case .deleted(let object): await handle(Kept.change(.deleted(object.key)))
            case .dropped(let name):
                if let key = Kept.key(ofObjectNamed: name) { await handle(Kept.change(.deleted(key))) }
            case .interrupted: await handle(.interrupted(Kept.collection))
            case .resumed: await handle(.resumed(Kept.collection))
            }
        }
    }
}
