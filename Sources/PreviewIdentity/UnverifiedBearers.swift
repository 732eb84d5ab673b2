public import Basics
internal import Synchronization

/// Accepts every bearer token that no other verifier recognised; the core API decides about it for each run.
///
/// It must be the last verifier, and is used only with ``CoreAPIAuthority``.
public struct UnverifiedBearers: CredentialVerifier {
    public init() {}

    public func verify(_ bearer: Secret) async throws(AccessDenied) -> CredentialVerdict {
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

/// A limit for concurrent operations.
public final class ConcurrencyLimit: Sendable {
    public let limit: Int
    private let count = Mutex(0)

    public init(_ limit: Int) {
        self.limit = limit
    }

    /// - Returns: False if the limit is reached. If true, ``leave()`` has to follow.
    public func enter() -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    public func leave() {
        count.withLock { $0 -= 1 }
    }
}
