public import Basics
public import PreviewDomain
internal import Synchronization

/// Lets every bearer through that nobody else recognised, for the core API to decide about it run by run.
///
/// It belongs at the end, and only where runs are judged by ``CoreAPIAuthority``.
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

/// How many of something may be under way at once.
public final class ConcurrencyLimit: Sendable {
    public let limit: Int
    private let count = Mutex(0)

    public init(_ limit: Int) {
        self.limit = limit
    }

    /// - Returns: False when as many are under way already. If true, ``leave()`` has to follow.
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
