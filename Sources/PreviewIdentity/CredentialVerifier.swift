public import Basics
public import PreviewDomain

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
