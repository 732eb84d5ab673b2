/// The discovery documents: the groups, versions and resources that the server serves.
struct Discovery: Sendable {
    let kinds: [ResourceKind]

    static let aggregatedContentType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

    /// `GET /version`, with the version whose behaviour the server imitates.
    static let version: JSONValue = [
        "major": "1", "minor": "32", "gitVersion": "v1.32.0-devcluster", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "swiftc", "platform": "any",
    ]

    /// `GET /api`
    static let coreVersions: JSONValue = [
        "kind": "APIVersions", "versions": ["v1"],
        "serverAddressByClientCIDRs": [["clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"]],
    ]

    /// The named groups with their versions, the preferred version first.
    private var groups: [(name: String, versions: [String])] {
        var names: [String] = []
        for kind in kinds where !kind.group.isEmpty && !names.contains(kind.group) { names.append(kind.group) }
        for review in ReviewKind.allCases where !names.contains(review.group) { names.append(review.group) }
        return names.map { ($0, versions(of: $0)) }
    }

    private func versions(of group: String) -> [String] {
        var versions: [String] = []
        for kind in kinds where kind.group == group {
            for version in kind.versions where !versions.contains(version) { versions.append(version) }
        }
        return versions.isEmpty && ReviewKind.allCases.contains { $0.group == group } ? ["v1"] : versions
    }

    /// `GET /apis`
    var groupList: JSONValue {
        ["kind": "APIGroupList", "apiVersion": "v1", "groups": .array(groups.map { group($0.name, $0.versions) })]
    }

    /// `GET /apis/{group}`; `nil` if the group is unknown.
    func group(_ name: String) -> JSONValue? {
        let versions = versions(of: name)
        guard !name.isEmpty, !versions.isEmpty else { return nil }
        var document = group(name, versions)
        document["kind"] = "APIGroup"
        document["apiVersion"] = "v1"
        return document
    }

    private func group(_ name: String, _ versions: [String]) -> JSONValue {
        let entries: [JSONValue] = versions.map {
            ["groupVersion": .string("\(name)/\($0)"), "version": .string($0)]
        }
        return ["name": .string(name), "versions": .array(entries), "preferredVersion": entries[0]]
    }

    /// `GET /api/v1` and `GET /apis/{group}/{version}`; `nil` if the version is unknown.
    func resourceList(group: String, version: String) -> JSONValue? {
        guard versions(of: group).contains(version) else { return nil }
        var resources: [JSONValue] = []
        for kind in kinds where kind.group == group && kind.versions.contains(version) {
            let common: JSONValue = [
                "singularName": .string(kind.singular), "namespaced": .bool(kind.isNamespaced),
                "kind": .string(kind.kind),
            ]
            var resource = common
            resource["name"] = .string(kind.plural)
            resource["verbs"] = Self.verbs
            if !kind.shortNames.isEmpty { resource["shortNames"] = .array(kind.shortNames.map(JSONValue.string)) }
            resources.append(resource)
            if kind.hasStatus {
                resource = common
                resource["name"] = .string("\(kind.plural)/status")
                resource["singularName"] = ""
                resource["verbs"] = Self.statusVerbs
                resources.append(resource)
            }
        }
        for review in ReviewKind.allCases where review.group == group {
            resources.append([
                "name": .string(review.plural), "singularName": .string(review.rawValue.lowercased()),
                "namespaced": false, "kind": .string(review.rawValue), "verbs": ["create"],
            ])
        }
        return [
            "kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": .string(group.isEmpty ? version : "\(group)/\(version)"), "resources": .array(resources),
        ]
    }

    private static let verbs: JSONValue = [
        "create", "delete", "deletecollection", "get", "list", "patch", "update", "watch",
    ]
    private static let statusVerbs: JSONValue = ["get", "patch", "update"]

    /// The response to `GET /api` or `GET /apis` in the aggregated format.
    func aggregated(isCore: Bool) -> JSONValue {
        let names = isCore ? [("", ["v1"])] : groups.map { ($0.name, $0.versions) }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": [:],
            "items": .array(
                names.map { name, versions in
                    [
                        "metadata": name.isEmpty
                            ? ["creationTimestamp": .null] : ["name": .string(name), "creationTimestamp": .null],
                        "versions": .array(versions.map { aggregated(group: name, version: $0) }),
                    ]
                }
            ),
        ]
    }

    private func aggregated(group: String, version: String) -> JSONValue {
        let responseKind: (String) -> JSONValue = {
            ["group": .string(group), "version": .string(version), "kind": .string($0)]
        }
        var resources: [JSONValue] = []
        for kind in kinds where kind.group == group && kind.versions.contains(version) {
            var resource: JSONValue = [
                "resource": .string(kind.plural), "responseKind": responseKind(kind.kind),
                "scope": .string(kind.isNamespaced ? "Namespaced" : "Cluster"),
                "singularResource": .string(kind.singular), "verbs": Self.verbs,
            ]
            if !kind.shortNames.isEmpty { resource["shortNames"] = .array(kind.shortNames.map(JSONValue.string)) }
            if kind.hasStatus {
                resource["subresources"] = [
                    ["subresource": "status", "responseKind": responseKind(kind.kind), "verbs": Self.statusVerbs]
                ]
            }
            resources.append(resource)
        }
        for review in ReviewKind.allCases where review.group == group {
            resources.append([
                "resource": .string(review.plural), "responseKind": responseKind(review.rawValue), "scope": "Cluster",
                "singularResource": .string(review.rawValue.lowercased()), "verbs": ["create"],
            ])
        }
        return ["version": .string(version), "resources": .array(resources), "freshness": "Current"]
    }
}
