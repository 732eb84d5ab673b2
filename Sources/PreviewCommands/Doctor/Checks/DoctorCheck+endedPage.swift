internal import KubernetesClient
internal import KubernetesModel

extension DoctorCheck {
    /// The name of the wildcard route in `k8s/base/httproute-ended-previews.yaml`.
    static let endedPageRoute = "ended-previews"

    static let endedPageChecks = [
        DoctorCheck("PG306", .gateway, "hosts without a preview get an explanatory page") { context in
            guard let zone = context.connection.settings.zone else {
                return .skipped("\(Settings.Keys.zoneSuffix.key) is not set")
            }
            let route: HTTPRoute
            do {
                route = try await context.client.get(HTTPRoute.self, named: endedPageRoute, in: context.namespace)
            } catch let error as KubernetesError where error.isNotFound {
                return .warning(
                    "there is no HTTPRoute \(endedPageRoute)",
                    remedy: "k8s/deploy.sh --image IMAGE --zone \(zone)"
                )
            }
            let hostnames = route.spec.hostnames
            guard hostnames.contains("*.\(zone)") else {
                let found = hostnames.isEmpty ? "none" : hostnames.joined(separator: ", ")
                return .warning(
                    "\(endedPageRoute) does not have the hostname *.\(zone); there is \(found)",
                    remedy: "k8s/deploy.sh --image IMAGE --zone \(zone)"
                )
            }
            let parents = route.status?.parents ?? []
            let isServed = parents.contains { parent in
                parent.parentRef.name == context.gateway
                    && ["Accepted", "ResolvedRefs"].allSatisfy { type in
                        parent.conditions.current(at: route.metadata.generation).isTrue(type)
                    }
            }
            guard isServed else {
                return .warning(
                    "the Gateway does not serve \(endedPageRoute)",
                    remedy: "kubectl describe httproute \(endedPageRoute) -n \(context.namespace)"
                )
            }
            return .ok("*.\(zone)")
        }
    ]
}
