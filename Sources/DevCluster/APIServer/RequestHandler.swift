import HTTPTypes

/// Responds to requests, independently of connections.
struct RequestHandler: Sendable {
    /// The maximum size of a body, as in kube-apiserver.
    static let maxBodyBytes = 3 * 1024 * 1024

    let store: ObjectStore
    let users: [APIUser]
    let authorizer: Authorizer

    init(store: ObjectStore, users: [APIUser], authorizationMode: APIServer.AuthorizationMode) {
        self.store = store
        self.users = users
        authorizer = Authorizer(mode: authorizationMode, store: store)
    }

    /// A request with the meaning of its path, method and token.
    struct Parsed: Sendable {
        let request: APIRequest
        let target: RequestTarget
        let user: APIUser?
        let verb: String

        /// The resource's plural with its subresource, or the path.
        var resource: String {
            switch target {
            case .resource(let target): target.kind.plural + (target.subresource.map { "/\($0)" } ?? "")
            case .review(let kind): kind.plural
            default: request.path
            }
        }
    }

    func parse(_ request: APIRequest) -> Parsed {
        let target = RequestTarget(request.segments, kinds: store.kinds)
        let token = request.bearerToken
        return Parsed(
            request: request,
            target: target,
            user: users.first { $0.token == token && $0.audiences.contains(APIUser.apiServer) },
            verb: Self.verb(request, target)
        )
    }

    private static func verb(_ request: APIRequest, _ target: RequestTarget) -> String {
        let name: String?
        switch target {
        case .resource(let target): name = target.name
        case .review: name = nil
        default: return request.method.lowercased()
        }
        switch request.method {
        case "GET", "HEAD": return name != nil ? "get" : request.flag("watch") ? "watch" : "list"
        case "POST": return "create"
        case "PUT": return "update"
        case "PATCH": return "patch"
        case "DELETE": return name == nil ? "deletecollection" : "delete"
        default: return request.method.lowercased()
        }
    }

    /// Authenticates, authorises and executes a request.
    func response(to parsed: Parsed) -> APIResponse {
        do {
            return try checkedResponse(parsed)
        } catch let failure as StatusFailure {
            return .failure(failure)
        } catch {
            return .failure(StatusFailure(code: 500, reason: "InternalError", message: "\(error)"))
        }
    }

    private func checkedResponse(_ parsed: Parsed) throws -> APIResponse {
        if parsed.target == .health { return .text(status: 200, "ok") }
        let isAnonymous = parsed.request.bearerToken == nil && authorizer.mode == .rbac
        guard let user = isAnonymous ? .anonymous : parsed.user else {
            throw StatusFailure(code: 401, reason: "Unauthorized", message: "Unauthorized")
        }
        try authorize(parsed, user)
        switch parsed.target {
        case .resource(let target): return try response(to: parsed.request, target, verb: parsed.verb)
        case .review(let kind): return try review(kind, parsed.request, user)
        default: break
        }
        if parsed.target == .unknown, parsed.request.segments.starts(with: ["api", "v1"]) {
            throw StatusFailure(
                code: 404,
                reason: "NotFound",
                message: "the server could not find the requested resource"
            )
        }
        guard ["GET", "HEAD"].contains(parsed.request.method) else { return .text(status: 404, "404 page not found\n") }
        return discoveryResponse(parsed.target, accept: parsed.request.headers[.accept] ?? "")
    }

    private func discoveryResponse(_ target: RequestTarget, accept: String) -> APIResponse {
        let discovery = Discovery(kinds: store.kinds)
        let wantsAggregated = accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2;")
        let document: JSONValue?
        switch target {
        case .coreVersions, .groups:
            if wantsAggregated {
                return .document(
                    status: 200,
                    discovery.aggregated(isCore: target == .coreVersions),
                    contentType: Discovery.aggregatedContentType
                )
            }
            document = target == .coreVersions ? Discovery.coreVersions : discovery.groupList
        case .group(let name): document = discovery.group(name)
        case .resources(let group, let version): document = discovery.resourceList(group: group, version: version)
        case .version: document = Discovery.version
        case .openAPI: document = OpenAPI(kinds: store.kinds).index
        case .openAPIGroup(let group, let version):
            document = OpenAPI(kinds: store.kinds).document(group: group, version: version)
        case .resource, .review, .health, .unknown: document = nil
        }
        return document.map { .document(status: 200, $0) } ?? .text(status: 404, "404 page not found\n")
    }

    // MARK: Authorisation

    private func authorize(_ parsed: Parsed, _ user: APIUser) throws {
        var wanted = Authorizer.Attributes(user: user.name, groups: user.allGroups, verb: parsed.verb)
        switch parsed.target {
        case .resource(let target):
            wanted.group = target.kind.group
            wanted.resource = target.kind.plural
            wanted.subresource = target.subresource ?? ""
            wanted.namespace = target.namespace ?? ""
            wanted.name = target.name ?? Self.selectedName(parsed, target.kind) ?? ""
        case .review(let kind):
            // Every authenticated user may ask about its own permissions, as `system:basic-user` allows it.
            if kind == .selfSubjectAccessReview, user != .anonymous { return }
            wanted.group = kind.group
            wanted.resource = kind.plural
        default: wanted.path = parsed.request.path
        }
        guard authorizer.allows(wanted) else { throw wanted.refusal }
    }

    /// The only object that a list or watch selects: a rule with its name allows the request (Kubernetes, "Using RBAC
    /// Authorization", "Referring to resources").
    private static func selectedName(_ parsed: Parsed, _ kind: ResourceKind) -> String? {
        guard ["list", "watch"].contains(parsed.verb) else { return nil }
        return (try? FieldSelector(parsed.request.query["fieldSelector"] ?? "", for: kind))?.requiredName
    }
}

extension APIUser {
    /// The groups, including the one of all authenticated users.
    var allGroups: [String] { groups + (self == .anonymous ? [] : [APIUser.authenticated]) }

    /// The user of a request without a token.
    static let anonymous = APIUser(name: "system:anonymous", groups: ["system:unauthenticated"], token: "")
}

extension Authorizer.Attributes {
    /// The response of kube-apiserver to a user who may not perform the action.
    var refusal: StatusFailure {
        guard path.isEmpty else {
            return StatusFailure(
                code: 403,
                reason: "Forbidden",
                message: "forbidden: User \"\(user)\" cannot \(verb) path \"\(path)\""
            )
        }
        let object = (group.isEmpty ? resource : "\(resource).\(group)") + (name.isEmpty ? "" : " \"\(name)\"")
        let full = subresource.isEmpty ? resource : "\(resource)/\(subresource)"
        let scope = namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(namespace)\""
        return StatusFailure(
            code: 403,
            reason: "Forbidden",
            message: """
                \(object) is forbidden: User "\(user)" cannot \(verb) resource "\(full)" in API group "\(group)" \(scope)
                """,
            name: name.isEmpty ? nil : name,
            group: group,
            kind: resource
        )
    }
}
