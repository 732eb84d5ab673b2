import FoundationEssentials
import KubernetesModel

/// Finds out which version of a resource a cluster offers, and remembers it.
///
/// Only groups of which more than one version is known are asked about. That a group is missing is never remembered,
/// so that a CRD installed later is found.
actor GroupVersionResolver {
    private struct APIGroup: Decodable, JSONReadable {
        struct Version: Decodable, Sendable {
            let version: String
        }
        let versions: [Version]?
    }

    private var offered: [String: [String]] = [:]

    /// The newest version of `resource` that both sides know.
    ///
    /// - Throws: ``KubernetesError`` of kind `notFound(.group)` if there is none.
    func version(of resource: APIResource, executor: RequestExecutor, limits: RequestLimits) async throws -> String {
        if resource.versions.count == 1 { return resource.versions[0] }
        if let version = choose(resource, from: offered[resource.group] ?? []) { return version }
        let request = APIRequest(verb: .probe, resource: "apigroups", path: "/apis/" + APIPath.encode(resource.group))
        let answer = try await executor.perform(request, limits: limits)
        let group = try KubernetesClient.decode(answer, request) { try APIGroup(json: $0) }
        let versions = (group.versions ?? []).map(\.version)
        guard let version = choose(resource, from: versions) else {
            throw KubernetesError(.notFound(.group), "the cluster offers no known version of \(resource.plural)")
        }
        offered[resource.group] = versions
        return version
    }

    /// Asks again at the next use.
    func forget(_ group: String) {
        offered[group] = nil
    }

    private func choose(_ resource: APIResource, from offered: [String]) -> String? {
        resource.versions.first { offered.contains($0) }
    }
}
