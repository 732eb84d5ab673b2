/// The meaning of a path.
enum RequestTarget: Sendable, Hashable {
    /// A collection of objects, or one object.
    case resource(ResourceTarget)
    /// A review, which is answered when it is created and not stored.
    case review(ReviewKind)
    case coreVersions
    case groups
    case group(String)
    case resources(group: String, version: String)
    case version
    case health
    case openAPI
    case openAPIGroup(group: String, version: String)
    case unknown

    init(_ segments: [String], kinds: [ResourceKind]) {
        switch segments.first {
        case "api" where segments.count == 1: self = .coreVersions
        case "api" where segments[1] == "v1": self = Self.inGroup("", "v1", segments.dropFirst(2), kinds)
        case "apis" where segments.count == 1: self = .groups
        case "apis" where segments.count == 2: self = .group(segments[1])
        case "apis": self = Self.inGroup(segments[1], segments[2], segments.dropFirst(3), kinds)
        case "version" where segments.count == 1: self = .version
        case "healthz", "livez", "readyz": self = .health
        case "openapi" where segments.count == 2 && segments[1] == "v3": self = .openAPI
        case "openapi" where segments.count == 4 && Array(segments[1...]) == ["v3", "api", "v1"]:
            self = .openAPIGroup(group: "", version: "v1")
        case "openapi" where segments.count == 5 && Array(segments[1...2]) == ["v3", "apis"]:
            self = .openAPIGroup(group: segments[3], version: segments[4])
        default: self = .unknown
        }
    }

    private static func inGroup(
        _ group: String,
        _ version: String,
        _ rest: ArraySlice<String>,
        _ kinds: [ResourceKind]
    ) -> RequestTarget {
        let rest = Array(rest)
        guard !rest.isEmpty else { return .resources(group: group, version: version) }
        if let review = ReviewKind.allCases.first(where: { $0.group == group && $0.plural == rest[0] }) {
            return rest.count == 1 && version == "v1" ? .review(review) : .unknown
        }
        let find: (String) -> ResourceKind? = { plural in
            kinds.first { $0.group == group && $0.plural == plural && $0.versions.contains(version) }
        }
        if rest[0] == "namespaces", rest.count >= 3, let kind = find(rest[2]), kind.isNamespaced {
            return resource(kind, version, namespace: rest[1], rest.dropFirst(3))
        }
        guard let kind = find(rest[0]), !kind.isNamespaced || rest.count == 1 else { return .unknown }
        return resource(kind, version, namespace: nil, rest.dropFirst())
    }

    private static func resource(
        _ kind: ResourceKind,
        _ version: String,
        namespace: String?,
        _ rest: ArraySlice<String>
    ) -> RequestTarget {
        let rest = Array(rest)
        guard rest.count <= 2, rest.count < 2 || (rest[1] == "status" && kind.hasStatus) else { return .unknown }
        return .resource(
            ResourceTarget(
                kind: kind,
                version: version,
                namespace: namespace,
                name: rest.first,
                subresource: rest.count == 2 ? rest[1] : nil
            )
        )
    }
}

/// A collection of objects of one kind, or one object.
struct ResourceTarget: Sendable, Hashable {
    let kind: ResourceKind
    let version: String
    let namespace: String?
    let name: String?
    let subresource: String?

    var part: ObjectStore.Part { subresource == nil ? .main : .status }
}

/// A kind whose objects are questions to the API server.
enum ReviewKind: String, Sendable, CaseIterable {
    case tokenReview = "TokenReview"
    case subjectAccessReview = "SubjectAccessReview"
    case selfSubjectAccessReview = "SelfSubjectAccessReview"

    var group: String { self == .tokenReview ? "authentication.k8s.io" : "authorization.k8s.io" }
    var plural: String { "\(rawValue.lowercased())s" }
    var apiVersion: String { "\(group)/v1" }
}
