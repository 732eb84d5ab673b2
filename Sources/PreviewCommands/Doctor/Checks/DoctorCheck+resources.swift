internal import KubernetesClient
internal import KubernetesModel
internal import PreviewCluster
internal import PreviewControl
internal import PreviewDomain

extension DoctorCheck {
    static let resourceChecks = [
        DoctorCheck("PG201", .resources, "the Gateway API is served", pre: true) { context in
            let group = HTTPRoute.resource.group
            let served = try await context.client.servedVersions(ofGroup: group)
            guard served.contains(where: HTTPRoute.resource.versions.contains) else {
                return .failure(
                    served.isEmpty
                        ? "\(group) is not served" : "\(group) is served as \(served.joined(separator: ", ")) only",
                    remedy: "install the Gateway API's CRDs (v1) and an implementation of it"
                )
            }
            return .ok(served.joined(separator: ", "))
        },
        DoctorCheck("PG202", .resources, "agent-sandbox is served in a usable version", pre: true) { context in
            var said: [String] = []
            for resource in [SandboxClaim.resource, Sandbox.resource] {
                guard let version = try await context.client.usedVersion(of: resource) else {
                    let served = try await context.client.servedVersions(ofGroup: resource.group)
                    return .failure(
                        served.isEmpty
                            ? "\(resource.group) is not served"
                            : "\(resource.group) is served as \(served.joined(separator: ", ")) only",
                        remedy: "install agent-sandbox 0.4 or later, which serves \(resource.plural)"
                    )
                }
                said.append("\(resource.group)/\(version)")
            }
            return .ok(said.joined(separator: ", "))
        },
        DoctorCheck("PG203", .resources, "the namespace's quotas leave room for previews", pre: true) { context in
            let quotas = try await context.client.list(InspectedQuota.self, in: context.namespace).items
            guard !quotas.isEmpty else { return .ok("there is no quota") }
            let most = context.connection.policy.limits.global
            let wanted = max(most - (try await context.connection.objects.routes(reusing: { _ in nil }).count), 0)
            var least: Int?
            for quota in quotas {
                for (resources, count) in quotaNeeds(previews: wanted) {
                    for resource in resources {
                        guard let room = quota.room(for: resource) else { continue }
                        let said = "quota \(quota.metadata.name) has room for \(max(room, 0)) more \(resource)"
                        let raise = "kubectl edit resourcequota -n \(context.namespace) \(quota.metadata.name)"
                        if room <= 0, count > 0 { return .failure(said, remedy: raise) }
                        if room < count { return .warning("\(said), and \(count) are needed", remedy: raise) }
                        least = min(least ?? room, room)
                    }
                }
            }
            return .ok(least.map { "for at least \($0)" } ?? "they limit neither pods, Services nor HTTPRoutes")
        },
    ]

    /// The quota that new previews and one additional pod of a rolling update need: the resource names under which a
    /// ResourceQuota may count them, and the number.
    private static func quotaNeeds(previews: Int) -> [(resources: [String], count: Int)] {
        [
            (["services", "count/services", "count/httproutes.\(HTTPRoute.resource.group)"], previews),
            (["pods", "count/pods"], 1),
        ]
    }
}
