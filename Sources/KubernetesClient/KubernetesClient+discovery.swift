public import KubernetesModel

/// The Kubernetes release of an API server.
public struct ServerVersion: Hashable, Sendable, CustomStringConvertible {
    public let major: Int
    public let minor: Int
    /// As the server writes it, for example `v1.34.1-gke.100`.
    public let description: String
}

extension KubernetesClient {
    /// Requests the server's release (`/version`).
    ///
    /// - Parameter retries: Whether the request is sent again if it fails, like every other one.
    public func serverVersion(retries: Bool = true) async throws -> ServerVersion {
        let request = APIRequest(verb: .probe, resource: "version", path: "/version")
        let response = try await executor.perform(request, limits: limits, retries: retries)
        let info = try Self.decode(response, request) { try VersionInfo(json: $0) }
        // Some distributions write `34+`.
        func number(_ text: String) -> Int { Int(text.prefix(while: \.isNumber)) ?? 0 }
        return ServerVersion(
            major: number(info.major ?? ""),
            minor: number(info.minor ?? ""),
            description: info.gitVersion ?? ""
        )
    }

    /// The versions of an API group that the server serves, the preferred one first; none if it does not know the
    /// group.
    public func servedVersions(ofGroup group: String) async throws -> [String] {
        let request = APIRequest(verb: .probe, resource: "apigroups", path: "/apis/" + APIPath.encode(group))
        do {
            let response = try await executor.perform(request, limits: limits)
            return try Self.decode(response, request) { try APIGroup(json: $0) }.inOrder
        } catch let error as KubernetesError where error.isNotFound {
            return []
        }
    }

    private struct VersionInfo: Decodable, JSONReadable {
        let major: String?
        let minor: String?
        let gitVersion: String?
    }

    /// The version in which the cluster serves a resource; `nil` if it serves none that can be used.
    public func usedVersion(of resource: APIResource) async throws -> String? {
        do {
            return try await withVersion(of: resource) { version in
                let path = "/apis/\(APIPath.encode(resource.group))/\(APIPath.encode(version))"
                let request = APIRequest(verb: .probe, resource: "apiresources", path: path)
                let response = try await executor.perform(request, limits: limits)
                let list = try Self.decode(response, request) { try ResourceNames(json: $0) }
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
    /// Whether the requested object, its kind or its group does not exist.
    public var isNotFound: Bool {
        if case .notFound = kind { true } else { false }
    }
}

/// Determines the version in which a cluster serves a resource, and caches it.
///
/// Only resources that are served in more than one version need a request. Of the versions that the cluster serves, the
/// group's preferred one comes first, then the newest. A version that this client does not know is used too, if the
/// cluster's schema has the required fields (``APIResource/neededFields``). A missing group is never cached, so that a
/// CRD which is installed later is found.
actor GroupVersionResolver {
    /// How long a version is used before the cluster is asked again, at the next start of a watch: an older version may
    /// be served beside a newer one, and then nothing else indicates the newer one.
    static let lifetime: Duration = .seconds(600)
    /// The largest number of versions of one group that are considered.
    static let maxVersions = 8

    private struct Choice {
        let version: String
        let madeAt: Duration
    }

    private let uptime: @Sendable () -> Duration
    private var choices: [APIResource: Choice] = [:]

    /// - Parameter uptime: The time since some fixed instant.
    init(uptime: @escaping @Sendable () -> Duration) {
        self.uptime = uptime
    }

    /// The version of `resource` to use.
    ///
    /// - Parameter unserved: Versions in which the resource turned out not to be served. If there are any, the cluster
    ///   is asked again.
    /// - Throws: ``KubernetesError`` of kind `notFound(.group)` if there is none.
    func version(
        of resource: APIResource,
        except unserved: Set<String>,
        executor: RequestExecutor,
        limits: RequestLimits
    ) async throws -> String {
        guard resource.isDiscovered else { return resource.versions[0] }
        if unserved.isEmpty, let choice = choices[resource] { return choice.version }
        let version = try await discover(resource, except: unserved, executor: executor, limits: limits)
        choices[resource] = Choice(version: version, madeAt: uptime())
        return version
    }

    /// Asks again if the version is older than ``lifetime``. If that fails, the version is kept.
    func refresh(_ resource: APIResource, executor: RequestExecutor, limits: RequestLimits) async {
        guard let choice = choices[resource], uptime() - choice.madeAt >= Self.lifetime,
            let version = try? await discover(resource, except: [], executor: executor, limits: limits)
        else { return }
        choices[resource] = Choice(version: version, madeAt: uptime())
    }

    /// Asks again at the next use.
    func forget(_ resource: APIResource) {
        choices[resource] = nil
    }

    private func discover(
        _ resource: APIResource,
        except unserved: Set<String>,
        executor: RequestExecutor,
        limits: RequestLimits
    ) async throws -> String {
        let request = APIRequest(verb: .probe, resource: "apigroups", path: "/apis/" + APIPath.encode(resource.group))
        let response = try await executor.perform(request, limits: limits)
        let group = try KubernetesClient.decode(response, request) { try APIGroup(json: $0) }
        for version in group.inOrder.prefix(Self.maxVersions) where !unserved.contains(version) {
            if resource.versions.contains(version) { return version }
            if try await hasNeededFields(resource, version, executor: executor, limits: limits) { return version }
        }
        throw KubernetesError(.notFound(.group), "the cluster serves no usable version of \(resource.plural)")
    }

    /// Whether a version that this client does not know has the required fields. A cluster that does not say does not
    /// exclude it.
    private func hasNeededFields(
        _ resource: APIResource,
        _ version: String,
        executor: RequestExecutor,
        limits: RequestLimits
    ) async throws -> Bool {
        guard let fields = resource.neededFields else { return false }
        let path = "/openapi/v3/apis/\(APIPath.encode(resource.group))/\(APIPath.encode(version))"
        let request = APIRequest(verb: .probe, resource: "openapi", path: path)
        let response: RequestExecutor.Response
        do {
            response = try await executor.perform(request, limits: limits)
        } catch let error as KubernetesError where error.isNotFound || error.kind == .forbidden {
            return true
        }
        guard let document = try? OpenAPIDocument(json: response.body[...]) else { return true }
        guard let schema = document.schema(ofKind: resource.kind) else { return false }
        return fields.allSatisfy { schema.mayHave($0.split(separator: ".").map(String.init)[...]) }
    }
}

/// A group in the format of discovery.
struct APIGroup: Decodable, JSONReadable {
    struct Version: Decodable, Sendable {
        let version: String
    }
    let versions: [Version]?
    let preferredVersion: Version?

    /// The versions in the order in which they are tried: the preferred one, then the newest first.
    var inOrder: [String] {
        let sorted = (versions ?? []).map(\.version).sorted { VersionRank($0) > VersionRank($1) }
        guard let preferred = preferredVersion?.version, sorted.contains(preferred) else { return sorted }
        return [preferred] + sorted.filter { $0 != preferred }
    }
}

/// The rank of a version: stable ones before beta and alpha ones, and of each the highest number first (Kubernetes API
/// concepts, "Version priority").
struct VersionRank: Comparable {
    private let stage: Int
    private let major: Int
    private let minor: Int
    private let text: String

    init(_ text: String) {
        self.text = text
        guard let match = text.wholeMatch(of: /v([0-9]{1,9})(?:(alpha|beta)([0-9]{1,9}))?/), let major = Int(match.1)
        else {
            (stage, major, minor) = (0, 0, 0)
            return
        }
        self.major = major
        minor = match.3.flatMap { Int($0) } ?? 0
        stage =
            switch match.2 {
            case "alpha": 1
            case "beta": 2
            default: 3
            }
    }

    static func < (left: VersionRank, right: VersionRank) -> Bool {
        // A name that is not a Kubernetes version comes last, in alphabetical order.
        if left.stage == 0, right.stage == 0 { return left.text > right.text }
        return (left.stage, left.major, left.minor) < (right.stage, right.major, right.minor)
    }
}

/// The schemas of a version, with the parts that show whether fields exist.
private struct OpenAPIDocument: Decodable, JSONReadable {
    private let components: Components?

    private struct Components: Decodable {
        let schemas: [String: Schema]?
    }

    final class Schema: Decodable, Sendable {
        private let kinds: [Kind]?
        private let properties: [String: Schema]?
        private let keepsUnknownFields: Bool?

        private enum CodingKeys: String, CodingKey {
            case kinds = "x-kubernetes-group-version-kind"
            case properties
            case keepsUnknownFields = "x-kubernetes-preserve-unknown-fields"
        }

        struct Kind: Decodable {
            let kind: String
        }

        func describes(_ kind: String) -> Bool { kinds?.contains { $0.kind == kind } == true }

        /// Whether an object may have a value there; a schema that does not list its fields allows any.
        func mayHave(_ path: ArraySlice<String>) -> Bool {
            guard let name = path.first, let properties else { return true }
            guard let property = properties[name] else { return keepsUnknownFields == true }
            return property.mayHave(path.dropFirst())
        }
    }

    func schema(ofKind kind: String) -> Schema? { components?.schemas?.values.first { $0.describes(kind) } }
}
