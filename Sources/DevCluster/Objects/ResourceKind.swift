/// A kind of object that the API server serves: one line of its table.
///
/// Two values are equal when they name the same resource (group and plural), whatever versions they serve.
package struct ResourceKind: Sendable {
    /// The API group; empty for the core group.
    package let group: String
    /// The served versions, the preferred one, which is also the stored one, first.
    package var versions: [String]
    /// The resource's name in paths, for example `httproutes`.
    package let plural: String
    /// The singular name that `kubectl` accepts.
    package let singular: String
    /// The name of the type, for example `HTTPRoute`.
    package let kind: String
    /// The short names that `kubectl` accepts.
    package let shortNames: [String]
    /// True for objects that live in a namespace.
    package let isNamespaced: Bool
    /// True where `status` is a subresource: it changes only through it.
    package let hasStatus: Bool
    /// True where the server counts changes of the wanted state in `metadata.generation`.
    package let countsGenerations: Bool
    /// The text of the `Warning` header for each version that has one.
    package var deprecations: [String: String]
    /// Versions whose objects cannot be converted from the stored version: reading any fails with 500, as when a
    /// conversion webhook does not answer.
    package var unconvertibleVersions: Set<String>
    /// What the schema of a version says that `status` has, where it says so; else it is open.
    package var statusSchemas: [String: JSONValue] = [:]

    package init(
        group: String,
        versions: [String],
        plural: String,
        singular: String? = nil,
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
        self.singular = singular ?? kind.lowercased()
        self.kind = kind
        self.shortNames = shortNames
        self.isNamespaced = isNamespaced
        self.hasStatus = hasStatus
        self.countsGenerations = countsGenerations
        self.deprecations = deprecations
        self.unconvertibleVersions = unconvertibleVersions
    }

    /// `plural.group`, or the plural alone in the core group: how error messages name the resource.
    package var qualifiedName: String { group.isEmpty ? plural : "\(plural).\(group)" }

    /// `kind.group`, or the kind alone in the core group: how some error messages name the type.
    package var qualifiedKind: String { group.isEmpty ? kind : "\(kind).\(group)" }

    /// `group/version` of the stored version.
    package var storageAPIVersion: String { apiVersion(versions[0]) }

    /// The `apiVersion` member of objects in one version.
    package func apiVersion(_ version: String) -> String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The same kind serving other versions, the first of which becomes the stored one.
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
