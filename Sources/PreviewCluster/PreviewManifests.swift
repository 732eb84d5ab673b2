internal import FoundationEssentials
internal import KubernetesModel
internal import PreviewControl
public import PreviewDomain

/// Where previews live in the cluster, and how their objects look.
public struct PreviewManifests: Sendable {
    /// The namespace of the sandboxes and of the previews' objects.
    public let namespace: String
    let gatewayName: String
    let gatewayNamespace: String
    let zone: ZoneSuffix?
    /// The longest time that one request, event stream or WebSocket may take; as long as the preview may live if `nil`.
    let connectionLimit: Duration?

    /// The port on which a preview's Service listens (the contract's).
    private static let servicePort = 80

    /// - Parameters:
    ///   - zone: The zone of the previews' names; without one no route can be made, only read and deleted.
    ///   - connectionLimit: The longest time that what was opened through a preview stays open. It is never longer than
    ///     the preview may live, and exactly that long if `nil`.
    public init(
        namespace: String,
        gatewayName: String,
        gatewayNamespace: String,
        zone: ZoneSuffix?,
        connectionLimit: Duration? = nil
    ) {
        self.namespace = namespace
        self.gatewayName = gatewayName
        self.gatewayNamespace = gatewayNamespace
        self.zone = zone
        self.connectionLimit = connectionLimit
    }

    func service(_ blueprint: PreviewBlueprint) -> Service {
        let annotations = blueprint.annotations
        let selector =
            switch blueprint.selector {
            case .existing(let labels): labels
            case .perRunLabel: [PreviewLabel.run: annotations.run.text]
            }
        return Service(
            metadata: metadata(blueprint, annotations: [:]),
            spec: Service.Spec(
                type: "ClusterIP",
                selector: selector,
                ports: [
                    Service.Port(
                        name: "http",
                        protocol: "TCP",
                        port: Self.servicePort,
                        targetPort: .number(annotations.targetPort)
                    )
                ]
            )
        )
    }

    func route(_ blueprint: PreviewBlueprint) throws(ClusterError) -> HTTPRoute {
        guard let zone else { throw ClusterError(.rejected, "no zone is configured for the previews' names") }
        let token = blueprint.annotations.token
        let connectionBound = connectionBound(of: blueprint.annotations)
        return HTTPRoute(
            metadata: metadata(blueprint, annotations: blueprint.annotations.encoded()),
            spec: HTTPRoute.Spec(
                parentRefs: [HTTPRoute.ParentReference(namespace: gatewayNamespace, name: gatewayName)],
                hostnames: [token.host(zone: zone)],
                rules: [
                    HTTPRoute.Rule(
                        filters: [connectionBound.filter],
                        backendRefs: [HTTPRoute.BackendReference(name: token.objectName, port: Self.servicePort)],
                        timeouts: connectionBound.timeouts
                    )
                ]
            )
        )
    }

    /// No connection is cut while the preview lives, unless the operator wants that: what is opened later than the start
    /// and lasts as long as the preview may live ends after the cap.
    private func connectionBound(of annotations: PreviewAnnotations) -> ConnectionBound {
        let lifetime = Duration.seconds(annotations.maxUntil.timeIntervalSince(annotations.startedAt))
        return ConnectionBound(min(lifetime, connectionLimit ?? lifetime))
    }

    /// Both objects are owned by the pod: when it goes, Kubernetes deletes them even if this service is down.
    private func metadata(_ blueprint: PreviewBlueprint, annotations: [String: String]) -> ObjectMeta {
        let facts = blueprint.annotations
        return ObjectMeta(
            name: facts.token.objectName,
            namespace: namespace,
            labels: PreviewLabel.labels(token: facts.token, run: facts.run),
            annotations: annotations,
            ownerReferences: [OwnerReference(apiVersion: "v1", kind: "Pod", name: facts.pod, uid: facts.podUID)]
        )
    }

    /// What the preview Gateway says about a route (Gateway API, `RouteParentStatus`).
    func status(of route: HTTPRoute) -> RouteStatus {
        let parent = route.status?.parents.first {
            $0.parentRef.name == gatewayName && ($0.parentRef.namespace ?? namespace) == gatewayNamespace
        }
        guard let conditions = parent?.conditions else { return RouteStatus(isAccepted: false) }
        for type in ["Accepted", "ResolvedRefs"] where !conditions.isTrue(type) {
            let complaint = conditions.first(ofType: type).map {
                "\(type) is \($0.status.rawValue), \($0.reason ?? "")"
            }
            return RouteStatus(isAccepted: false, complaint: complaint)
        }
        return RouteStatus(isAccepted: true)
    }
}
