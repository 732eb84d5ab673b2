internal import KubernetesModel

/// A question whether an account may perform an action, and the API server's answer (authorization.k8s.io/v1). The API server
/// does not store it.
struct AccessReview: Codable, Sendable {
    /// The action.
    struct Attributes: Encodable, Hashable, Sendable {
        var namespace: String?
        var verb: String
        var group: String
        var resource: String
        var subresource: String?
        var name: String?
    }

    struct Spec: Encodable, Sendable {
        var resourceAttributes: Attributes
        /// The account in question; `nil` in a SelfSubjectAccessReview, where it is the caller.
        var user: String?
        var groups: [String]?
    }

    struct Status: Codable, Sendable {
        var allowed: Bool?
    }

    var metadata = ObjectMeta()
    /// The question. It is not decoded from the API server's response.
    var spec: Spec?
    /// The answer; `nil` before the review is created.
    var status: Status?

    init(_ attributes: Attributes, user: String? = nil, groups: [String]? = nil) {
        spec = Spec(resourceAttributes: attributes, user: user, groups: groups)
    }
}

extension AccessReview {
    private enum CodingKeys: String, CodingKey {
        case spec, status
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decodeIfPresent(Status.self, forKey: .status)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(spec, forKey: .spec)
    }
}

/// An ``AccessReview`` about the caller's own account.
struct SelfSubjectAccessReview: KubernetesObject {
    static let resource = APIResource(
        group: "authorization.k8s.io",
        versions: ["v1"],
        plural: "selfsubjectaccessreviews",
        kind: "SelfSubjectAccessReview",
        namespaced: false
    )

    var review: AccessReview
    var metadata: ObjectMeta { review.metadata }

    init(_ review: AccessReview) { self.review = review }
    init(from decoder: any Decoder) throws { review = try AccessReview(from: decoder) }
    func encode(to encoder: any Encoder) throws { try review.encode(to: encoder) }
}

/// An ``AccessReview`` about another account.
struct SubjectAccessReview: KubernetesObject {
    static let resource = APIResource(
        group: "authorization.k8s.io",
        versions: ["v1"],
        plural: "subjectaccessreviews",
        kind: "SubjectAccessReview",
        namespaced: false
    )

    var review: AccessReview
    var metadata: ObjectMeta { review.metadata }

    init(_ review: AccessReview) { self.review = review }
    init(from decoder: any Decoder) throws { review = try AccessReview(from: decoder) }
    func encode(to encoder: any Encoder) throws { try review.encode(to: encoder) }
}
