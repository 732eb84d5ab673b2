/// Looks names of previews up without leaving a negative answer in anybody's cache.
public protocol NameLookup: Sendable {
    /// Asks those who are responsible for the name.
    func lookUp(_ host: String) async -> NameAnswer
    /// Whether the local resolver says that there is no such name. `false` where it does not answer.
    func isAbsentLocally(_ host: String) async -> Bool
}

/// What the name servers of a zone say about a name in it.
public enum NameAnswer: Hashable, Sendable {
    /// The name exists; its address, or the name that it is an alias of.
    case found(String)
    case absent
    /// They cannot be asked from here, or do not answer.
    case unknown
}
