public import Basics

/// Authenticates the caller of a request by its credentials.
public struct Authenticator: Sendable {
    /// The longest accepted credential, in bytes.
    public static let maxBearerBytes = 8 * 1024

    private let verifiers: [any CredentialVerifier]

    /// - Parameter verifiers: The verifiers, in the order in which they are tried.
    public init(_ verifiers: [any CredentialVerifier]) {
        self.verifiers = verifiers
    }

    /// - Parameter bearer: The token of an `Authorization: Bearer` header (RFC 6750).
    /// - Throws: ``AccessDenied/unauthenticated`` if no verifier accepts the token, and ``AccessDenied`` of kind
    ///   ``AccessDenied/Kind/unavailable`` if this cannot be determined.
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

/// The authenticated caller of a request.
public struct Caller: Hashable, Sendable {
    /// The kind of caller.
    public enum Role: Hashable, Sendable {
        /// The platform's own callers: they act for the run's agent, and cannot decide.
        case service
        /// May do everything with every run.
        case `operator`
        /// May do what the owner of a run may, with the runs that the user owns.
        case user
        /// The caller is not authenticated here: the core API is asked about each run.
        case unverified
    }

    /// The caller's name, for example in a preview's owner annotation.
    public let identity: String
    public let role: Role
    /// All names of the caller as a run's owner, compared exactly.
    public let names: Set<String>
    /// The caller's credential, for requests on its behalf.
    public let bearer: Secret?

    /// The caller of the current task; `nil` if it belongs to no request. It is a task-local value.
    @TaskLocal public static var current: Caller?

    /// - Parameter names: The names of a user; `nil` means the identity alone.
    public init(identity: String, role: Role, names: Set<String>? = nil, bearer: Secret? = nil) {
        self.identity = identity
        self.role = role
        self.names = names ?? [identity]
        self.bearer = bearer
    }
}

/// A way to authenticate a caller.
public protocol CredentialVerifier: Sendable {
    /// Verifies the token of an `Authorization: Bearer` header (RFC 6750).
    ///
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` if another service is needed and does not
    ///   answer.
    func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult
}

/// The result of a verifier.
public enum VerificationResult: Hashable, Sendable {
    case accepted(Caller)
    /// It is of this verifier's kind and invalid: no other verifier is tried.
    case rejected
    /// It is of another kind.
    case notRecognized
}

/// The reason why a request is not allowed.
public struct AccessDenied: Error, Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The credentials are missing or invalid.
        case unauthenticated
        case forbidden
        /// There is no such run, or the caller may not know of it.
        case runNotFound = "run_not_found"
        /// The service that can decide cannot be reached.
        case unavailable
        /// The caller disconnected before there was a response.
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

    /// The error of a request whose caller disconnected. It is usually not read.
    public static let cancelled = AccessDenied(
        .cancelled,
        "The request was cancelled before it was completed. Send it again.",
        retryAfter: .zero
    )

    /// The same response to all invalid credentials: it does not say which one, and why.
    public static let unauthenticated = AccessDenied(
        .unauthenticated,
        "Valid credentials are required: send the header 'Authorization: Bearer …' with a token that has not expired."
    )
}
