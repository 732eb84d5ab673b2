extension RequestHandler {
    /// Responds to a TokenReview or to an access review.
    func review(_ kind: ReviewKind, _ request: APIRequest, _ user: APIUser) throws -> APIResponse {
        guard request.method == "POST" else {
            throw StatusFailure(
                code: 405,
                reason: "MethodNotAllowed",
                message: "the server does not allow this method on the requested resource"
            )
        }
        var review = try document(request)
        review["apiVersion"] = .string(kind.apiVersion)
        review["kind"] = .string(kind.rawValue)
        review["metadata"] = review["metadata"] ?? ["creationTimestamp": .null]
        switch kind {
        case .tokenReview: review["status"] = tokenStatus(review["spec"] ?? [:])
        case .subjectAccessReview:
            let groups = review["spec", "groups"]?.arrayValue?.compactMap(\.stringValue) ?? []
            review["status"] = accessStatus(review, user: review["spec", "user"]?.stringValue ?? "", groups: groups)
        case .selfSubjectAccessReview:
            review["status"] = accessStatus(review, user: user.name, groups: user.allGroups)
        }
        return .document(status: 201, review)
    }

    private func tokenStatus(_ question: JSONValue) -> JSONValue {
        let token = question["token"]?.stringValue ?? ""
        let asked = question["audiences"]?.arrayValue?.compactMap(\.stringValue) ?? []
        guard let user = users.first(where: { $0.token == token }) else {
            return ["user": [:], "error": "invalid bearer token"]
        }
        let audiences = user.audiences.filter((asked.isEmpty ? [APIUser.apiServer] : asked).contains)
        guard !audiences.isEmpty else {
            return ["user": [:], "error": "token audiences do not match what was asked for"]
        }
        return [
            "authenticated": true, "audiences": .array(audiences.map(JSONValue.string)),
            "user": [
                "username": .string(user.name), "uid": .string(user.name),
                "groups": .array(user.allGroups.map(JSONValue.string)),
            ],
        ]
    }

    private func accessStatus(_ review: JSONValue, user: String, groups: [String]) -> JSONValue {
        var wanted = Authorizer.Attributes(user: user, groups: groups, verb: "")
        let part = review["spec", "nonResourceAttributes"] == nil ? "resourceAttributes" : "nonResourceAttributes"
        let attribute: (String) -> String = { review["spec", part, $0]?.stringValue ?? "" }
        wanted.verb = attribute("verb")
        wanted.group = attribute("group")
        wanted.resource = attribute("resource")
        wanted.subresource = attribute("subresource")
        wanted.namespace = attribute("namespace")
        wanted.name = attribute("name")
        wanted.path = attribute("path")
        return ["allowed": .bool(authorizer.allows(wanted))]
    }
}
