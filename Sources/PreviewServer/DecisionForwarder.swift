public import PreviewDomain

/// Passes a decision about a request that is not ours on to the core API, which serves the same routes for its other
/// tools.
///
/// - Throws: A `PreviewError` where there is no answer to hand on.
public typealias DecisionForwarder = @Sendable (ForwardedDecision) async throws -> ForwardedAnswer

/// A decision as its caller sent it.
public struct ForwardedDecision: Sendable {
    /// The last part of the route's path.
    public enum Route: String, Sendable, CaseIterable {
        case approvals = "tool-approvals"
        case denials = "tool-denials"
    }

    public let route: Route
    public let run: RunID
    public let body: [UInt8]
    /// The caller's own bearer: whether it may decide is the core API's business.
    public let bearer: Secret
}

/// What the core API answered, refusals included.
public struct ForwardedAnswer: Sendable {
    public let status: Int
    /// JSON.
    public let body: [UInt8]

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = body
    }
}
