/// A kind of object that the API server serves.
///
/// Two values are equal if they have the same group and plural, whatever versions they serve.
package struct ResourceKind: Sendable {
    /// The API group; empty for the core group.
    package let group: String
    /// The served versions. The first one is the preferred and stored version.
    package var versions: [String]
    /// The plural name in paths, for example `httproutes`.
    package let plural: String
    /// The singular name that `kubectl` accepts.
    package var singular: String { kind.lowercased() }
    /// The name of the type, for example `HTTPRoute`.
    package let kind: String
    /// The short names that `kubectl` accepts.
    package let shortNames: [String]
    /// Whether the objects are namespaced.
    package let isNamespaced: Bool
    /// Whether `status` is a subresource and can be changed only through it.
    package let hasStatus: Bool
    /// Whether the server counts changes of the desired state in `metadata.generation`.
    package let countsGenerations: Bool
    /// The texts of the `Warning` field, by version.
    package var deprecations: [String: String]
    /// The versions to which stored objects cannot be converted. Reading them fails with 500, as if a conversion webhook did
    /// not respond.
    package var unconvertibleVersions: Set<String>
    /// The schemas of `status`, by version; a version without a schema allows any members.
    package var statusSchemas: [String: JSONValue] = [:]

    package init(
        group: String,
        versions: [String],
        plural: String,
        kind: String,
        shortNames: [String] = [],
        isNamespaced: Bool = true,
        hasStatus: Bool = false,
        countsGenerations: Bool = true,
        deprecations: [String: String] = [:],
        unconvertibleVersions: Set<String> = []
    ) {
        self.group = group
        self.versions = versions
        self.plural = plural
        self.kind = kind
        self.shortNames = shortNames
        self.isNamespaced = isNamespaced
        self.hasStatus = hasStatus
        self.countsGenerations = countsGenerations
        self.deprecations = deprecations
        self.unconvertibleVersions = unconvertibleVersions
    }

    /// `plural.group`, or the plural alone in the core group, as in error messages.
    package var qualifiedName: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// `kind.group`, or the kind alone in the core group, as in some error messages.
    package var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

    /// `group/version` of the stored version.
    package var storageAPIVersion: String { apiVersion(versions[0]) }

    /// The member `apiVersion` of objects in a version.
    package func apiVersion(_ version: String) -> String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The same kind with other versions, the first of which becomes the stored version.
    package func serving(_ versions: String...) -> ResourceKind {
        var copy = self
        copy.versions = versions
        copy.deprecations = deprecations.filter { versions.contains($0.key) && versions.first != $0.key }
        return copy
    }
}

extension ResourceKind: Hashable {
    package static func == (left: ResourceKind, right: ResourceKind) -> Bool {
        left.plural == right.plural && left.group == right.group
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(plural)
        hasher.combine(group)
    }
}
