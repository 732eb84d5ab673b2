/// The question whose a token is, and the answer (authentication.k8s.io/v1). Nothing of it is stored.
public struct TokenReview: KubernetesObject {
    public static let resource = APIResource(
        group: "authentication.k8s.io",
        versions: ["v1"],
        plural: "tokenreviews",
        kind: "TokenReview",
        namespaced: false
    )

    public var metadata: ObjectMeta
    /// The question. The server's answer repeats it, which is not read.
    public var spec: Spec?
    /// The answer; `nil` in a question.
    public var status: Status?

    /// Asks about a token.
    ///
    /// - Parameter audiences: Whom the token must have been issued for: one of them is enough.
    public init(token: String, audiences: [String]) {
        metadata = ObjectMeta()
        spec = Spec(token: token, audiences: audiences)
    }

    /// What is asked. It prints without the token.
    public struct Spec: Encodable, Sendable, CustomStringConvertible, CustomReflectable {
        let token: String
        let audiences: [String]

        public var description: String { "TokenReview.Spec(audiences: \(audiences))" }
        public var customMirror: Mirror { Mirror(self, children: ["audiences": audiences]) }
    }

    /// What the server knows about the token.
    public struct Status: Codable, Hashable, Sendable {
        public var authenticated: Bool?
        /// Whose the token is.
        public var user: User?
        /// The asked audiences that the token was issued for; absent from a server that does not look at audiences.
        public var audiences: [String]?

        /// The owner of a token.
        public struct User: Codable, Hashable, Sendable {
            /// For a ServiceAccount `system:serviceaccount:{namespace}:{name}`.
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
