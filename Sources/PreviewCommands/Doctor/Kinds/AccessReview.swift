internal import KubernetesModel

/// The question whether somebody may do something, and the answer (authorization.k8s.io/v1). Nothing of it is stored.
struct AccessReview: Codable, Sendable {
    /// What is to be done.
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
        /// Who is asked about; absent where it is who asks.
        var user: String?
        var groups: [String]?
    }

    struct Status: Codable, Sendable {
        var allowed: Bool?
    }

    var metadata = ObjectMeta()
    /// The question. The server's answer repeats it, which is not read.
    var spec: Spec?
    /// The answer; `nil` in a question.
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

/// An ``AccessReview`` about who asks.
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

/// An ``AccessReview`` about somebody else.
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
