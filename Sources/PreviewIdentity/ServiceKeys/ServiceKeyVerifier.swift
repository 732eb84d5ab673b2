public import Basics
public import PreviewDomain

/// Recognises the platform's own callers by their shared key.
public struct ServiceKeyVerifier: CredentialVerifier {
    private let caller: Caller
    private let key: @Sendable () -> ServiceKey

    /// - Parameters:
    ///   - user: The identity under which these callers act.
    ///   - key: The key that is valid now.
    public init(user: String, key: @escaping @Sendable () -> ServiceKey) {
        caller = Caller(identity: user, role: .service)
        self.key = key
    }

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> CredentialVerdict {
        key().matches(bearer.value) ? .accepted(caller) : .notRecognized
    }
}
