/// A resource of the Kubernetes API: its group, its versions and its names.
public struct APIResource: Hashable, Sendable {
    /// The API group; empty for the core group.
    public let group: String
    /// The versions that this service supports, newest first. Discovery determines which of them a cluster serves.
    public let versions: [String]
    /// The lowercase plural in paths, for example `httproutes`.
    public let plural: String
    /// The value of an object's member `kind`.
    public let kind: String
    /// Whether the objects are namespaced.
    public let namespaced: Bool
    /// The paths, separated by dots, of the fields outside the metadata that are read. Another version than ``versions`` is
    /// used if its schema has all of them; `nil` if no other version may be used.
    public let neededFields: [String]?

    /// Whether discovery must determine the version to use.
    public var isDiscovered: Bool { versions.count > 1 || neededFields != nil }

    /// Creates a resource.
    ///
    /// - Parameters:
    ///   - group: The API group; empty for the core group.
    ///   - versions: At least one version, newest first.
    ///   - plural: The lowercase plural in paths.
    ///   - kind: The value of an object's member `kind`.
    ///   - namespaced: Whether the objects are namespaced.
    ///   - neededFields: The fields that another version must have to be used; `nil` if no other version may be used.
    public init(
        group: String,
        versions: [String],
        plural: String,
        kind: String,
        namespaced: Bool = true,
        neededFields: [String]? = nil
    ) {
        precondition(!versions.isEmpty, "a resource has at least one version")
        self.group = group
        self.versions = versions
        self.plural = plural
        self.kind = kind
        self.namespaced = namespaced
        self.neededFields = neededFields
    }

    /// The `apiVersion` member of an object of this kind: `group/version`, or the version alone in the core group.
    public func apiVersion(_ version: String) -> String {
        group.isEmpty ? version : "\(group)/\(version)"
    }
}
