public import Basics
public import KubernetesClient
internal import KubernetesModel
public import PreviewDomain
public import PreviewIdentity

/// Token reviews by the API server of the cluster.
public struct KubernetesTokenReviews: TokenReviews {
    private let client: KubernetesClient

    public init(client: KubernetesClient) {
        self.client = client
    }

    public func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String? {
        let question = TokenReview(token: token.value, audiences: [audience])
        let answer = try await AccessDenied.asking { try await client.create(question, in: nil) }
        // A server that does not look at audiences names none, and would accept a token that is meant for somebody else.
        guard let status = answer.status, status.authenticated == true, status.audiences?.contains(audience) == true
        else { return nil }
        return status.user?.username
    }
}
