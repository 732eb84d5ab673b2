internal import PreviewCluster
internal import PreviewControl
internal import ServiceLifecycle

/// What asks for consent before an agent's preview starts, and remembers it.
struct GateParts: Sendable {
    let gate: AgentPreviewGate
    private let keeper: ApprovalKeeper

    init(_ shared: SharedParts, _ timeline: TimelineParts, _ previews: PreviewParts) {
        let (client, settings) = (shared.cluster.client, shared.settings)
        gate = AgentPreviewGate(
            policy: settings.approvals,
            previews: previews.previews,
            store: KubernetesApprovalStore(
                client: client,
                namespace: settings.cluster.namespace,
                gatewayName: settings.cluster.gatewayName,
                gatewayNamespace: settings.cluster.gatewayNamespace
            ),
            index: ApprovalIndex(),
            facts: shared.coreAPI.flatMap { client in
                shared.serviceKey.map { CoreAPIRunFacts(client: client, key: $0) }
            },
            timeline: timeline.queue
        )
        keeper = ApprovalKeeper(
            gate: gate,
            feed: KubernetesApprovalFeed(
                client: client,
                namespace: settings.cluster.namespace,
                gatewayName: settings.cluster.gatewayName,
                gatewayNamespace: settings.cluster.gatewayNamespace,
                metrics: shared.metrics
            )
        )
    }

    /// In the order of their start.
    var services: [any Service] { [keeper] }
}
