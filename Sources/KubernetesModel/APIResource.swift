/// A kind of object as the API server's paths name it.
public struct APIResource: Hashable, Sendable {
    /// The API group; empty for the core group.
    public let group: String
    /// The versions this service understands, newest first. Which of them a cluster offers is found by discovery.
    public let versions: [String]
    /// The lowercase plural used in paths, for example `httproutes`.
    public let plural: String
    /// The kind as written in an object's `kind` member.
    public let kind: String
    /// Whether objects of this kind live in a namespace.
    public let namespaced: Bool
    /// The fields that are read, beside the metadata, as paths with dots. A version that is not among ``versions`` does as
    /// well where it has all of them; nil where no other version does.
    public let neededFields: [String]?

    /// Whether the cluster has to be asked which version it serves.
    public var isDiscovered: Bool { versions.count > 1 || neededFields != nil }

    /// Names a kind.
    ///
    /// - Parameters:
    ///   - group: The API group; empty for the core group.
    ///   - versions: At least one version, newest first.
    ///   - plural: The lowercase plural used in paths.
    ///   - kind: The kind's name.
    ///   - namespaced: Whether objects of this kind live in a namespace.
    ///   - neededFields: What another version has to have to be used too; nil where none is.
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
