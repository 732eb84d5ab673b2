public import Basics

/// Accepts every bearer token that no other verifier recognised; the core API decides about it for each run.
///
/// It must be the last verifier, and is used only with ``CoreAPIAuthority``.
public struct UnverifiedBearers: CredentialVerifier {
    public init() {}

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> VerificationResult {
        .accepted(
            Caller(
                identity: "bearer-\(BearerDigest(bearer).fingerprint)",
                role: .unverified,
                names: [],
                bearer: bearer
            )
        )
    }
}
