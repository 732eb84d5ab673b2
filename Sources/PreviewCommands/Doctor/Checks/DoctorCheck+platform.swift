internal import Basics
internal import CoreAPI
internal import FoundationEssentials
internal import KubernetesClient
internal import KubernetesModel
internal import PreviewDomain
internal import PreviewIdentity

/// Checks of the platform: requests that must reach this service, and an older preview service that must be disabled.
extension DoctorCheck {
    /// The environment variables that contain the core API's address for the platform's programs.
    private static let baseURLKeys = ["Agentweaver__ApiBaseUrl", "AGENTWEAVER_API_URL"]
    private static let previewPrefix = "Sandbox__Preview__"
    /// The beginnings of hosts with which the core API's Deployment, in which the agents' tool runs, names itself.
    private static let loopback: Set<Substring> = ["localhost", "127", "::1", "[::1]"]

    static let platformChecks = [
        DoctorCheck("PG602", .core, "no older preview service is active") { context in
            let others = try await context.deployments().filter { deployment, environment in
                !deployment.isOwn && environment.keys.contains { $0.hasPrefix(previewPrefix) }
            }
            let enabled = Settings.Keys.enabled
            let active = others.filter { _, environment in
                switch environment[enabled.key] {
                case .text(let text)?: enabled.parse(text) != false
                case .unknown?: false
                case nil: true
                }
            }
            let names = active.map(\.deployment.metadata.name).sorted()
            guard names.isEmpty else {
                return .warning(
                    "\(names.joined(separator: ", ")) also manages previews; each service may delete the other's as orphans",
                    remedy:
                        "kubectl set env -n \(context.namespace) deployment/\(names[0]) \(Settings.Keys.enabled.key)=false"
                )
            }
            let left = try await context.client.listMetadata(
                of: HTTPRoute.self,
                in: context.namespace,
                labelSelector: LabelSelector(PreviewLabel.ownedSelector)
            ).items.count { $0.metadata.isPreview && $0.metadata.labels[PreviewLabel.managedBy] == nil }
            guard left == 0 else {
                return .warning(
                    "\(left) previews belong to an older service; this service manages them; new ones mean that the older one is active",
                    remedy: "preview-gateway list; they end at their deadlines"
                )
            }
            let undecided = others.filter { $0.environment[enabled.key] == .unknown }.map(\.deployment.metadata.name)
            guard undecided.isEmpty else {
                return .skipped(
                    "the value of \(enabled.key) of \(undecided.sorted().joined(separator: ", ")) is not in a ConfigMap"
                )
            }
            return .ok("none in namespace \(context.namespace)")
        },
        DoctorCheck("PG603", .core, "callers in the cluster use this service instead of the core API") { context in
            var direct: [(name: String, key: String)] = []
            var here = 0
            for (deployment, environment) in try await context.deployments() where !deployment.isOwn {
                for key in baseURLKeys {
                    guard let host = environment[key]?.text.flatMap({ URL(string: $0)?.host() }) else { continue }
                    let name = host.prefix { $0 != "." }
                    if name == ServiceObjects.name {
                        here += 1
                    } else if name == ServiceObjects.coreAPI
                        || deployment.metadata.name == ServiceObjects.coreAPI && loopback.contains(name)
                    {
                        direct.append((deployment.metadata.name, key))
                    }
                }
            }
            guard direct.isEmpty else {
                let places = direct.map { "\($0.name) (\($0.key))" }.joined(separator: ", ")
                return .warning(
                    "\(places) calls the core API directly, so agents there cannot request previews",
                    remedy: """
                        kubectl set env -n \(context.namespace) deployment/\(direct[0].name) \
                        \(direct[0].key)=http://\(ServiceObjects.name)
                        """
                )
            }
            return here == 0 ? .skipped("no Deployment specifies the core API's address") : .ok("\(here) of them")
        },
        DoctorCheck("PG604", .core, "preview events reach the front end", needsCluster: false) { context in
            guard let base = context.coreAPI else { return .skipped("\(Settings.Keys.coreAPI.key) is not set") }
            guard let key = context.serviceKey else {
                return .skipped("not checked, because \(IdentitySettings.Keys.apiKey.key) is not set")
            }
            do throws(CoreAPIError) {
                // The run does not exist, so nothing is written.
                try await CoreAPIClient(base: base, transport: context.platform)
                    .post(event: Array("{}".utf8), of: try nonexistentRun(), bearer: key.bearer.value)
                return .ok("the core API accepts events")
            } catch {
                switch error.kind {
                case .noSuchRoute where context.isRouting, .notFound where context.isRouting:
                    return .ok("the core API accepts no events; the router adds them to the runs' streams")
                case .noSuchRoute:
                    return .warning(
                        "the core API accepts no events, and \(Settings.Keys.routerEnabled.key) is not true",
                        remedy: "set \(Settings.Keys.routerEnabled.key)=true"
                    )
                case .notFound: return .skipped("the core API answers 404, for the route or for the run")
                case .rejected, .forbidden: return .ok("the core API accepts events")
                default: return .skipped("the core API gave an unexpected response: see PG601")
                }
            }
        },
        DoctorCheck("PG605", .core, "the main Gateway routes \(ServiceObjects.routedPrefix) to this service") {
            context in
            let routes = try await context.client.list(InspectedRoute.self, in: context.namespace).items
            let leading = routes.filter { $0.forwards(ServiceObjects.routedPrefix, to: ServiceObjects.name) }
            let describe = "kubectl describe httproute -n \(context.namespace) \(leading.first?.metadata.name ?? "")"
            guard !leading.isEmpty else {
                guard context.isRouting else { return .skipped("\(Settings.Keys.routerEnabled.key) is not true") }
                return .warning(
                    "no HTTPRoute routes it, so the front end cannot reach this service",
                    remedy: "k8s/deploy.sh --image IMAGE, which applies the HTTPRoute with the installation's host"
                )
            }
            guard context.isRouting else {
                return .failure(
                    "it does, but \(Settings.Keys.routerEnabled.key) is not true: requests for the core API get 404",
                    remedy: "set \(Settings.Keys.routerEnabled.key)=true, here and for the service"
                )
            }
            let parents = leading.flatMap { $0.status?.parents ?? [] }
            for type in ["Accepted", "ResolvedRefs"]
            where !parents.contains(where: { ($0.conditions ?? []).isTrue(type) }) {
                let reason = parents.compactMap { ($0.conditions ?? []).first(ofType: type)?.reason }.first
                return .failure("the route is not \(type) (\(reason ?? "no controller reported it"))", remedy: describe)
            }
            return .ok(leading.map(\.metadata.name).joined(separator: ", "))
        },
    ]
}
