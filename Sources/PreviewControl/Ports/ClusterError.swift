/// Why the cluster did not do what it was asked to.
///
/// Everything above the cluster tells only these cases apart. The detail is for logs and for the caller's error
/// sentence, so it never names an object: the name of a preview's object contains its token.
public struct ClusterError: Error, Hashable, CustomStringConvertible {
    public enum Kind: String, Sendable, CaseIterable {
        /// The API server cannot be reached, is overloaded, or failed inside. Trying again later may help.
        case unavailable
        /// The API server refuses this service's identity: its credentials or its RBAC rules need an operator.
        case refused
        /// The API server rejects the object itself, or does not know its kind or namespace.
        case rejected
        /// An object of that name exists already.
        case alreadyExists = "already_exists"
    }

    public let kind: Kind
    /// One sentence without object names or secrets.
    public let detail: String
    /// How long the API server asked to wait.
    public let retryAfter: Duration?

    public init(_ kind: Kind, _ detail: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.detail = detail
        self.retryAfter = retryAfter
    }

    public var description: String { "\(kind.rawValue): \(detail)" }
}
