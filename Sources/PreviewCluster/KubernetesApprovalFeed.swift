public import KubernetesClient
internal import KubernetesModel
public import Metrics
public import PreviewControl
internal import PreviewDomain

/// Metadata-only watches over the claims of the namespace and over the preview Gateway.
public struct KubernetesApprovalFeed: ApprovalFeed {
    private let client: KubernetesClient
    private let namespace: String
    private let gatewayName: String
    private let gatewayNamespace: String
    private let metrics: WatchMetrics

    /// - Parameter metrics: Where is counted how often a watch breaks.
    public init(
        client: KubernetesClient,
        manifests: PreviewManifests,
        metrics: any MetricsFactory = MetricsSystem.factory
    ) {
        self.client = client
        namespace = manifests.namespace
        gatewayName = manifests.gatewayName
        gatewayNamespace = manifests.gatewayNamespace
        self.metrics = WatchMetrics(metrics)
    }

    public func run(_ handle: @escaping @Sendable (ApprovalChange) async -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let claims = MetadataInformer(client: client, resource: SandboxClaim.resource, namespace: namespace)
                try await claims.run(keeping: { KnownApprovals($0.metadata) }) { event in
                    metrics.note(event, of: SandboxClaim.resource)
                    if let change = claimChange(event) { await handle(change) }
                }
            }
            group.addTask {
                let gateway = MetadataInformer(
                    client: client,
                    resource: Gateway.resource,
                    namespace: gatewayNamespace,
                    fieldSelector: .name(gatewayName)
                )
                try await gateway.run { event in
                    metrics.note(event, of: Gateway.resource)
                    await handle(grantsChange(event))
                }
            }
            // Informers end by cancellation alone; should one fail, the other ends with it.
            try await group.next()
            group.cancelAll()
        }
    }

    /// - Returns: `nil` where the event means nothing.
    private func claimChange(_ event: InformerEvent<KnownApprovals>) -> ApprovalChange? {
        switch event {
        case .replaced(let claims): .claimsReplaced(claims.compactMap(\.record))
        case .applied(let claim):
            claim.record.map(ApprovalChange.claimApplied) ?? .claimDeleted(claim.identity)
        case .deleted(let claim): .claimDeleted(claim.identity)
        // Something is kept of every claim.
        case .dropped: nil
        case .interrupted: .interrupted(.claims)
        case .resumed: .resumed(.claims)
        }
    }

    private func grantsChange(_ event: InformerEvent<PartialObjectMetadata>) -> ApprovalChange {
        switch event {
        case .replaced(let gateways): .commonGrantsApplied(StandingGrants(gateway: gateways.first))
        case .applied(let gateway): .commonGrantsApplied(StandingGrants(gateway: gateway))
        case .deleted, .dropped: .commonGrantsApplied(StandingGrants())
        case .interrupted: .interrupted(.commonGrants)
        case .resumed: .resumed(.commonGrants)
        }
    }
}

/// What a claim says about approvals; nothing when it is being deleted.
private struct KnownApprovals: Sendable {
    let identity: ClaimIdentity
    let record: ClaimRecord?

    init(_ claim: ObjectMeta) {
        identity = ClaimIdentity(name: claim.name, uid: claim.uid ?? "")
        record = ClaimRecord(claim)
    }
}
