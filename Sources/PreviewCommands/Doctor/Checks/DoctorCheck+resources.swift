internal import KubernetesClient
internal import KubernetesModel

extension DoctorCheck {
    static let resourceChecks = [
        DoctorCheck("PG201", .resources, "the Gateway API is served", pre: true) { context in
            let group = HTTPRoute.resource.group
            let served = try await context.client.servedVersions(ofGroup: group)
            guard served.contains(where: HTTPRoute.resource.versions.contains) else {
                return .failure(
                    served.isEmpty
                        ? "\(group) is not there" : "\(group) is served as \(served.joined(separator: ", ")) only",
                    mend: "install the Gateway API's CRDs (v1) and an implementation of it"
                )
            }
            return .ok(served.joined(separator: ", "))
        },
        DoctorCheck("PG202", .resources, "agent-sandbox is served in a version that is known", pre: true) { context in
            var said: [String] = []
            for resource in [SandboxClaim.resource, Sandbox.resource] {
                let served = try await context.client.servedVersions(ofGroup: resource.group)
                guard let version = resource.versions.first(where: served.contains) else {
                    return .failure(
                        served.isEmpty
                            ? "\(resource.group) is not there"
                            : "\(resource.group) is served as \(served.joined(separator: ", ")) only",
                        mend: "install agent-sandbox with one of \(resource.versions.joined(separator: ", "))"
                    )
                }
                said.append("\(resource.group)/\(version)")
            }
            return .ok(said.joined(separator: ", "))
        },
    ]
}
