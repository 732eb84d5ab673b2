/// A question to whom a token belongs, and the API server's answer (authentication.k8s.io/v1). The API server does not store
/// it.
public struct TokenReview: KubernetesObject {
    public static let resource = APIResource(
        group: "authentication.k8s.io",
        versions: ["v1"],
        plural: "tokenreviews",
        kind: "TokenReview",
        namespaced: false
    )

    public var metadata: ObjectMeta
    /// The question. It is not decoded from the API server's response.
    public var spec: Spec?
    /// The answer; `nil` before the review is created.
    public var status: Status?

    /// Creates a question about a token.
    ///
    /// - Parameter audiences: The accepted audiences. The token must have been issued for at least one of them.
    public init(token: String, audiences: [String]) {
        metadata = ObjectMeta()
        spec = Spec(token: token, audiences: audiences)
    }

    /// The question. Its description does not contain the token.
    public struct Spec: Encodable, Sendable, CustomStringConvertible, CustomReflectable {
        let token: String
        let audiences: [String]

        public var description: String { "TokenReview.Spec(audiences: \(audiences))" }
        public var customMirror: Mirror { Mirror(self, children: ["audiences": audiences]) }
    }

    /// The API server's answer.
    public struct Status: Codable, Hashable, Sendable {
        public var authenticated: Bool?
        /// The user to whom the token belongs.
        public var user: User?
        /// The accepted audiences for which the token was issued; absent if the API server's authenticator does not check
        /// audiences.
        public var audiences: [String]?

        /// The user to whom a token belongs.
        public struct User: Codable, Hashable, Sendable {
            /// The name; `system:serviceaccount:{namespace}:{name}` for a ServiceAccount.
            public var username: String?
        }
    }
}

extension TokenReview {
    private enum CodingKeys: String, CodingKey {
        case metadata, spec, status
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try container.decodeIfPresent(ObjectMeta.self, forKey: .metadata) ?? ObjectMeta()
        status = try container.decodeIfPresent(Status.self, forKey: .status)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(spec, forKey: .spec)
    }
}
