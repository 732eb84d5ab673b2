internal import Basics
internal import FoundationEssentials
internal import HTTPTypes
internal import KubernetesModel
internal import PreviewControl
public import PreviewDomain

/// The location of previews in the cluster, and the manifests of their objects.
public struct PreviewManifests: Sendable {
    /// The namespace of the sandboxes and of the previews' objects.
    public let namespace: String
    let gatewayName: String
    let gatewayNamespace: String
    let zone: ZoneSuffix?
    /// The longest duration of one request, event stream or WebSocket; `nil` for the longest lifetime of a preview.
    let connectionLimit: Duration?

    /// The ports on which a preview's Service listens; the contract's is that of HTTP/1.1.
    private static func servicePort(_ backendProtocol: BackendProtocol) -> Int {
        switch backendProtocol {
        case .http1: 80
        case .http2: 81
        }
    }

    /// - Parameters:
    ///   - zone: The zone of the previews' names; without one, routes can be read and deleted, but not created.
    ///   - connectionLimit: The longest duration of a connection through a preview. It never exceeds the longest
    /// lifetime, which is used if it is `nil`.
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
            case .perRunLabel: [PreviewLabel.run: annotations.run.text, PreviewLabel.podUID: annotations.podUID]
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
                        port: Self.servicePort(.http1),
                        targetPort: .number(annotations.targetPort)
                    ),
                    Service.Port(
                        name: "http2",
                        protocol: "TCP",
                        appProtocol: "kubernetes.io/h2c",
                        port: Self.servicePort(.http2),
                        targetPort: .number(annotations.targetPort)
                    ),
                ]
            )
        )
    }

    func route(_ blueprint: PreviewBlueprint) throws(ClusterError) -> HTTPRoute {
        guard let zone else { throw ClusterError(.rejected, "no zone is configured for the previews' names") }
        let token = blueprint.annotations.token
        let connectionBound = connectionBound(of: blueprint.annotations)
        return HTTPRoute(
            metadata: metadata(
                blueprint,
                annotations: blueprint.annotations.encoded().merging(
                    [PreviewAnnotations.Key.hostHeader: blueprint.host.rawValue]
                ) { $1 }
            ),
            spec: HTTPRoute.Spec(
                parentRefs: [HTTPRoute.ParentReference(namespace: gatewayNamespace, name: gatewayName)],
                hostnames: [token.host(zone: zone)],
                rules: [
                    HTTPRoute.Rule(
                        filters: HostFilters(blueprint.host, of: token, zone: zone).filters(bound: connectionBound),
                        backendRefs: [
                            HTTPRoute.BackendReference(name: token.objectName, port: Self.servicePort(.http1))
                        ],
                        timeouts: connectionBound.timeouts
                    )
                ]
            )
        )
    }

    /// Changes a route that uses the Service's port for the other protocol to the one for this protocol.
    func backendPatch(_ backendProtocol: BackendProtocol, of token: PreviewToken) -> JSONPatch {
        let backend = JSONPointer("spec", "rules", "0", "backendRefs", "0")
        let other: BackendProtocol = backendProtocol == .http1 ? .http2 : .http1
        return JSONPatch([
            .test(backend.appending("name"), .string(token.objectName)),
            .test(backend.appending("port"), .integer(Self.servicePort(other))),
            .replace(backend.appending("port"), .integer(Self.servicePort(backendProtocol))),
        ])
    }

    /// No connection is closed while the preview lives, unless the operator wants that: a connection that is opened
    /// after the start and lasts for the longest lifetime ends after the cap.
    private func connectionBound(of annotations: PreviewAnnotations) -> ConnectionBound {
        let lifetime = Duration.seconds(annotations.maxUntil.timeIntervalSince(annotations.startedAt))
        return ConnectionBound(min(lifetime, connectionLimit ?? lifetime))
    }

    /// Both objects are owned by the pod: when it is deleted, Kubernetes deletes them even if this service is down.
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

    /// The preview Gateway's status of a route (Gateway API, `RouteParentStatus`).
    ///
    /// Each controller writes its own entry for each Gateway and listener that the route names, and an entry can be
    /// about an older generation of the route. Only entries for this Gateway and the present generation count. If there
    /// are entries of several controllers for the Gateway, one that accepts the route is sufficient: it is the one that
    /// serves it.
    func status(of route: HTTPRoute) -> RouteStatus {
        let parents = route.status?.parents.filter { isAboutGateway($0.parentRef, of: route) } ?? []
        let statuses = parents.map { status(of: $0.conditions.current(at: route.metadata.generation)) }
        let best =
            statuses.first(where: \.isAccepted) ?? statuses.first { $0.problem != nil }
            ?? RouteStatus(isAccepted: false)
        return RouteStatus(
            isAccepted: best.isAccepted,
            problem: best.problem,
            isMarked: ResponseFields.areSet(by: route)
        )
    }

    private func status(of conditions: [Condition]) -> RouteStatus {
        for type in ["Accepted", "ResolvedRefs"] where !conditions.isTrue(type) {
            let problem = conditions.first(ofType: type).map {
                "\(type) is \($0.status.rawValue), \($0.reason ?? "")"
            }
            return RouteStatus(isAccepted: false, problem: problem)
        }
        return RouteStatus(isAccepted: true)
    }

    /// Whether a status entry is for the preview Gateway and, if the route names a listener, for that listener.
    private func isAboutGateway(_ reference: HTTPRoute.ParentReference, of route: HTTPRoute) -> Bool {
        guard isGateway(reference, of: route) else { return false }
        let asked = route.spec.parentRefs.filter { isGateway($0, of: route) }
        return asked.isEmpty
            || asked.contains {
                ($0.sectionName == nil || $0.sectionName == reference.sectionName)
                    && ($0.port == nil || $0.port == reference.port)
            }
    }

    private func isGateway(_ reference: HTTPRoute.ParentReference, of route: HTTPRoute) -> Bool {
        reference.name == gatewayName
            && (reference.namespace ?? route.metadata.namespace ?? namespace) == gatewayNamespace
            && (reference.kind ?? "Gateway") == "Gateway"
            && (reference.group ?? HTTPRoute.resource.group) == HTTPRoute.resource.group
    }
}

/// The parts of an HTTPRoute that limit the duration of connections.
///
/// A gateway continues requests in progress when a route is deleted. Two fields of the route limit how long that can
/// be; both are applied when a request begins (Docs/Decisions/0042).
struct ConnectionBound: Hashable, Sendable {
    /// Envoy's limit for a whole exchange, counted from its beginning: it limits WebSockets and uploads, which
    /// `timeouts` do not. Envoy removes the field from the request.
    static let streamDurationHeader = "x-envoy-upstream-stream-duration-ms"

    /// Whole milliseconds; at least one, since zero means no limit.
    private let milliseconds: Int64

    /// - Parameter limit: The longest time from a request's beginning to its end.
    init(_ limit: Duration) {
        // Rounded to the nearest: the difference of two instants is not exact.
        let (seconds, attoseconds) = (limit + .microseconds(500)).components
        milliseconds = max(1, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// Sets Envoy's limit, and overrides a value from the client.
    var field: HTTPRoute.Header { HTTPRoute.Header(name: Self.streamDurationHeader, value: String(milliseconds)) }

    /// The limit of the Gateway API, for any gateway: from the end of the request to the end of its response.
    var timeouts: HTTPRoute.Timeouts { HTTPRoute.Timeouts(request: text) }

    /// A Gateway API duration: whole numbers of at most five digits with units (GEP-2257).
    private var text: String {
        let parts = [
            (milliseconds / 3_600_000, "h"), (milliseconds / 60_000 % 60, "m"), (milliseconds / 1000 % 60, "s"),
            (milliseconds % 1000, "ms"),
        ]
        return parts.filter { $0.0 > 0 }.map { "\($0.0)\($0.1)" }.joined()
    }
}

/// The header fields that a preview's HTTPRoute sets in every response.
///
/// The mark proves that a response came through this route, and through which version of it: a component in front of
/// the gateway that responds instead, such as a login, does not know it (Docs/Decisions/0060). The other two keep the
/// preview out of search engines, and its address out of the `Referer` of requests to linked pages.
struct ResponseFields: Hashable, Sendable {
    /// The name of the mark.
    static let markName = RouteMark.fieldName

    private let token: PreviewToken
    private let host: HostHeader

    /// - Parameter host: The host that the app receives: the public one, or `localhost`.
    init(_ token: PreviewToken, host: HostHeader = .preserve) {
        self.token = token
        self.host = host
    }

    /// The mark's value. The fingerprint is not secret, and the app does not receive it.
    var mark: String { "\(token.fingerprint);host=\(host.rawValue)" }

    var filter: HTTPRoute.Filter {
        HTTPRoute.Filter(
            responseHeaderModifier: HTTPRoute.HeaderModifier(
                set: [
                    HTTPRoute.Header(name: Self.markName, value: mark),
                    HTTPRoute.Header(name: "x-robots-tag", value: "noindex"),
                    HTTPRoute.Header(name: "referrer-policy", value: "no-referrer"),
                ]
            )
        )
    }

    /// Whether a route marks its responses.
    static func areSet(by route: HTTPRoute) -> Bool {
        route.spec.rules.contains { rule in
            (rule.filters ?? []).contains { filter in
                filter.responseHeaderModifier?.set?.contains { $0.name.lowercased() == markName } ?? false
            }
        }
    }

    /// Whether a response is the page for hosts without a preview.
    static func areOfEndedPage(_ fields: HTTPFields) -> Bool {
        HTTPField.Name(markName).map { fields[$0] == RouteMark.noPreview } ?? false
    }

    /// The host that the app received, from the mark of a response; `nil` for a response through another route or of
    /// another component.
    static func host(in fields: HTTPFields, of token: PreviewToken) -> HostHeader? {
        guard let name = HTTPField.Name(markName), let mark = fields[name] else { return nil }
        return [HostHeader.preserve, .localhost].first { ResponseFields(token, host: $0).mark == mark }
    }
}
