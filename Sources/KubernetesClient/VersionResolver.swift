import FoundationEssentials
import KubernetesModel

/// Finds out which version of a resource the server offers (Kubernetes API concepts, "Discovery").
///
/// Only resources with more than one possible version are asked for, once; the newest that is offered is taken.
actor VersionResolver {
    private struct APIGroup: Decodable {
        struct Version: Decodable {
            let version: String
        }
        let versions: [Version]
    }

    private let executor: RequestExecutor
    private let limits: RequestLimits
    private var chosen: [APIResource: String] = [:]

    init(executor: RequestExecutor, limits: RequestLimits) {
        self.executor = executor
        self.limits = limits
    }

    /// The version to use in requests about `resource`.
    ///
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/notFound(_:)`` with
    ///   ``KubernetesError/Kind/Missing/group`` if the server offers none of them.
    func version(of resource: APIResource) async throws -> String {
        if let only = resource.versions.first, resource.versions.count == 1 { return only }
        if let known = chosen[resource] { return known }
        let request = APIRequest(verb: .probe, resource: resource.plural, path: "/apis/\(resource.group)")
        let offered: [String]
        do {
            let answer = try await executor.perform(request, limits: limits)
            guard let group = try? JSONDecoder().decode(APIGroup.self, from: Data(answer.body)) else {
                throw KubernetesError(.decoding, "the list of an API group's versions is not what the API promises")
            }
            offered = group.versions.map(\.version)
        } catch let error as KubernetesError {
            guard case .notFound = error.kind else { throw error }
            offered = []
        }
        guard let version = resource.versions.first(where: offered.contains) else {
            throw KubernetesError(.notFound(.group), statusCode: 404)
        }
        chosen[resource] = version
        return version
    }

    /// Asks again next time.
    func forget(_ resource: APIResource) {
        chosen[resource] = nil
    }
}
