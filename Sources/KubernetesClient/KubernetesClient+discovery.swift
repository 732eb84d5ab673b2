public import KubernetesModel

/// Which release of Kubernetes an API server is.
public struct ServerVersion: Hashable, Sendable, CustomStringConvertible {
    public let major: Int
    public let minor: Int
    /// As the server writes it, for example `v1.34.1-gke.100`.
    public let description: String
}

extension KubernetesClient {
    /// Asks the server for its release (`/version`).
    public func serverVersion() async throws -> ServerVersion {
        let request = APIRequest(verb: .probe, resource: "version", path: "/version")
        let answer = try await executor.perform(request, limits: limits)
        let info = try Self.decode(answer, request) { try VersionInfo(json: $0) }
        // Some distributions write `34+`.
        func number(_ text: String) -> Int { Int(text.prefix(while: \.isNumber)) ?? 0 }
        return ServerVersion(
            major: number(info.major ?? ""),
            minor: number(info.minor ?? ""),
            description: info.gitVersion ?? ""
        )
    }

    /// The versions of an API group that the server serves, the preferred one first; none where it does not know the group.
    public func servedVersions(ofGroup group: String) async throws -> [String] {
        let request = APIRequest(verb: .probe, resource: "apigroups", path: "/apis/" + APIPath.encode(group))
        do {
            let answer = try await executor.perform(request, limits: limits)
            return try Self.decode(answer, request) { try APIGroup(json: $0) }.inOrder
        } catch let error as KubernetesError where error.isNotFound {
            return []
        }
    }

    private struct VersionInfo: Decodable, JSONReadable {
        let major: String?
        let minor: String?
        let gitVersion: String?
    }

    /// The version in which the cluster serves a resource; `nil` where it serves it in none that can be used.
    public func usedVersion(of resource: APIResource) async throws -> String? {
        do {
            return try await withVersion(of: resource) { version in
                let path = "/apis/\(APIPath.encode(resource.group))/\(APIPath.encode(version))"
                let request = APIRequest(verb: .probe, resource: "apiresources", path: path)
                let answer = try await executor.perform(request, limits: limits)
                let list = try Self.decode(answer, request) { try ResourceNames(json: $0) }
                guard list.resources?.contains(where: { $0.name == resource.plural }) == true else {
                    throw KubernetesError(.notFound(.group), "\(version) has no \(resource.plural)")
                }
                return version
            }
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    private struct ResourceNames: Decodable, JSONReadable {
        struct Name: Decodable {
            let name: String
        }
        let resources: [Name]?
    }
}

extension KubernetesError {
    /// Whether what was asked for is not there: the object, its kind or its group.
    public var isNotFound: Bool {
        if case .notFound = kind { true } else { false }
    }
}
