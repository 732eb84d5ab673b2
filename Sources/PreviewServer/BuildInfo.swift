/// What a build of the service is.
public struct BuildInfo: Hashable, Sendable {
    /// The release, for example `1.2.0`.
    public let version: String
    /// The commit that it was built from.
    public let commit: String
    /// When that commit was made, RFC 3339: a build of the same commit says the same.
    public let date: String

    public init(version: String, commit: String, date: String) {
        self.version = version
        self.commit = commit
        self.date = date
    }
}
