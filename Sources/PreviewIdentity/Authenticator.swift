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
