import Basics
import OpenSSLKit
import PreviewDomain
import PreviewIdentity
import TestPeers
import TestSupport
import Testing

/// All kinds of callers, named as in the access table.
enum AccessIdentity: String, CaseIterable {
    case none = "no credentials"
    case unknown = "unknown token"
    case expired = "expired token"
    case stranger = "another user"
    case owner = "the run's owner"
    case `operator` = "an operator"
    case agent = "the agent"

    private static let signer = TokenSigner()
    private static let operatorAccount = "system:serviceaccount:agentweaver:operator"

    /// The caller's credentials; empty for `none`. An empty value for another caller would fail every test.
    var bearer: String {
        switch self {
        case .none: ""
        case .unknown: "nobody-has-this-token"
        case .expired: Self.signer.token(subject: "ada", validUntil: -3600)
        case .stranger: Self.signer.token(subject: "mallory")
        case .owner: Self.signer.token(subject: "user-1", login: "ada")
        case .operator: ScriptedReviews.token
        case .agent: APIHarness.key
        }
    }

    /// An authenticator that recognizes all of them.
    static func authenticator() async throws -> Authenticator {
        let key = try #require(ServiceKey(APIHarness.key))
        return Authenticator([
            ServiceKeyVerifier(user: "agentweaver-internal") { key },
            AccessTokenVerifier(
                issuer: TokenSigner.issuer,
                audience: TokenSigner.audience,
                keys: SingleVerificationKey(try PublicKey(pem: signer.publicKeyPEM)),
                now: { TokenSigner.now }
            ),
            ServiceAccountVerifier(
                service: [],
                serviceUser: "agentweaver-internal",
                operators: [try #require(ServiceAccount(operatorAccount))],
                reviews: ScriptedReviews(userName: operatorAccount),
                uptime: { .zero }
            ),
        ])
    }
}

/// An API server that knows the token of one ServiceAccount.
private struct ScriptedReviews: TokenReviews {
    static let token = TokenSigner.token(
        header: #"{"alg": "RS256"}"#,
        claims: #"{"iss": "https://kubernetes.default.svc", "aud": ["preview-gateway"]}"#
    ) { _ in [] }

    let userName: String

    func userName(of token: Secret, audience: String) async throws(AccessDenied) -> String? {
        token.value == Self.token && audience == "preview-gateway" ? userName : nil
    }
}
