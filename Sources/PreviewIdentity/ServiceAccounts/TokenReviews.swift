public import Basics
public import PreviewDomain

/// Asks the Kubernetes API server whose a token is.
public protocol TokenReviews: Sendable {
    /// Reviews a token (`authentication.k8s.io/v1`, TokenReview).
    ///
    /// - Parameter audience: Whom the token must have been issued for.
    /// - Returns: The user name of the token's owner; `nil` when the token is not valid for this audience.
    /// - Throws: ``AccessDenied`` of kind ``AccessDenied/Kind/unavailable`` when the API server cannot be asked.
    func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String?
}
