public import Basics
public import PreviewDomain

/// Who sent a request, once its credentials were found good.
public struct Caller: Hashable, Sendable {
    /// What kind of caller this is.
    public enum Role: Hashable, Sendable {
        /// The platform's own callers: they act for the run's agent, and decide nothing.
        case service
        /// May do everything with every run.
        case `operator`
        /// May do what the owner of a run may, with the runs that are theirs.
        case user
        /// Who this is was not checked here: the core API is asked about each run.
        case unverified
    }

    /// The name under which this caller acts, for example in a preview's owner annotation.
    public let identity: String
    public let role: Role
    /// Every name by which a run's owner may be written who is this caller, compared exactly.
    public let names: Set<String>
    /// What the caller presented, to be passed on to whoever decides in its name.
    public let bearer: Secret?

    /// On whose behalf the current task works; `nil` where it is nobody's request. It travels with the task.
    @TaskLocal public static var current: Caller?

    /// - Parameter names: The names of a user; `nil` means the identity alone.
    public init(identity: String, role: Role, names: Set<String>? = nil, bearer: Secret? = nil) {
        self.identity = identity
        self.role = role
        self.names = names ?? [identity]
        self.bearer = bearer
    }
}
