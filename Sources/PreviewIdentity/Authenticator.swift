public import Basics
public import PreviewDomain

/// Tells who sent a request from the credentials that came with it.
public struct Authenticator: Sendable {
    /// The longest credential that is looked at, in bytes.
    public static let maxBearerBytes = 8 * 1024

    private let verifiers: [any CredentialVerifier]

    /// - Parameter verifiers: The ways of telling who a caller is, in the order in which they are asked.
    public init(_ verifiers: [any CredentialVerifier]) {
        self.verifiers = verifiers
    }

    /// - Parameter bearer: The token of an `Authorization: Bearer` header (RFC 6750).
    /// - Throws: ``AccessDenied/unauthenticated`` when the token is nobody's, and ``AccessDenied`` of kind
    ///   ``AccessDenied/Kind/unavailable`` when that cannot be told right now.
    public func caller(presenting bearer: Secret) async throws(AccessDenied) -> Caller {
        guard (1...Self.maxBearerBytes).contains(bearer.value.utf8.count),
            bearer.value.utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { throw .unauthenticated }
        for verifier in verifiers {
            switch try await verifier.verify(bearer) {
            case .accepted(let caller): return caller
            case .rejected: throw .unauthenticated
            case .notRecognized: continue
            }
        }
        throw .unauthenticated
    }
}

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

/// One way of telling who a caller is.
public protocol CredentialVerifier: Sendable {
    /// Judges what a caller presented in an `Authorization: Bearer` header (RFC 6750).
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` when the verifier would have to ask somebody
    ///   who does not answer.
    func verify(_ bearer: Secret) async throws(AccessDenied) -> CredentialVerdict
}

/// What a verifier says about a credential.
public enum CredentialVerdict: Hashable, Sendable {
    case accepted(Caller)
    /// It claims to be of this verifier's kind and is not good: nobody else is asked.
    case rejected
    /// It is of another kind.
    case notRecognized
}

/// Why a caller may not do what it asked for.
public struct AccessDenied: Error, Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The credentials are missing or nobody's.
        case unauthenticated
        case forbidden
        /// There is no such run, or none that this caller may know of.
        case runNotFound = "run_not_found"
        /// Whoever knows the answer cannot be asked right now.
        case unavailable
        /// The caller gave up before there was an answer.
        case cancelled
    }

    public let kind: Kind
    /// One or two sentences without secrets.
    public let message: String
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    /// What becomes of a request whose caller gave up. As a rule nobody reads it.
    public static let cancelled = AccessDenied(
        .cancelled,
        "The request was cancelled before it was carried out. Send it again.",
        retryAfter: .zero
    )

    /// The one answer to every bad credential: it does not say which, and what was wrong with it.
    public static let unauthenticated = AccessDenied(
        .unauthenticated,
        "This needs valid credentials: send the header 'Authorization: Bearer …' with a token that has not expired."
    )
}
