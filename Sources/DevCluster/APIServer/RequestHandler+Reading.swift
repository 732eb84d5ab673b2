import FoundationEssentials
import HTTPTypes

extension RequestHandler {
    /// Executes a request for objects.
    func response(to request: APIRequest, _ target: ResourceTarget, verb: String) throws -> APIResponse {
        let representation = try Representation(
            accept: request.headers[.accept] ?? "",
            kind: target.kind,
            version: target.version,
            rowObject: request.query["includeObject"],
            now: store.now()
        )
        let warnings = [target.kind.deprecations[target.version]].compactMap { $0 }
        let scoped = target.kind.isNamespaced && target.namespace == nil
        switch verb {
        case "get":
            let object = try existing(target)
            return .document(status: 200, try representation.document(of: object), warnings: warnings)
        case "list": return try list(request, target, representation, warnings)
        case "watch": return try watch(request, target, representation, warnings)
        case "create" where target.name == nil && !scoped:
            let created = try create(request, target)
            return .document(status: 201, try representation.document(of: created), warnings: warnings)
        case "update" where target.name != nil:
            let updated = try replace(request, target)
            return .document(status: 200, try representation.document(of: updated), warnings: warnings)
        case "patch" where target.name != nil:
            let (object, isNew) = try patch(request, target)
            return .document(status: isNew ? 201 : 200, try representation.document(of: object), warnings: warnings)
        case "delete" where target.subresource == nil:
            return .document(status: 200, try delete(request, target, representation), warnings: warnings)
        case "deletecollection" where !scoped:
            let deleted = try deleteCollection(request, target)
            return .document(
                status: 200,
                try representation.document(of: deleted, resourceVersion: store.resourceVersion),
                warnings: warnings
            )
        default:
            throw StatusFailure(
                code: 405,
                reason: "MethodNotAllowed",
                message: "the server does not allow this method on the requested resource"
            )
        }
    }

    func existing(_ target: ResourceTarget) throws -> JSONValue {
        let name = target.name ?? ""
        guard let object = store.get(target.kind, namespace: target.namespace, name: name) else {
            throw StatusFailure.notFound(target.kind, name)
        }
        return object
    }

    /// A predicate for the parameters `labelSelector` and `fieldSelector`.
    func selection(_ request: APIRequest, _ kind: ResourceKind) throws -> @Sendable (JSONValue) -> Bool {
        let labels = try LabelSelector(request.query["labelSelector"] ?? "")
        let fields = try FieldSelector(request.query["fieldSelector"] ?? "", for: kind)
        return { labels.matches($0.labels) && fields.matches($0) }
    }

    private func list(
        _ request: APIRequest,
        _ target: ResourceTarget,
        _ representation: Representation,
        _ warnings: [String]
    ) throws -> APIResponse {
        let matches = try selection(request, target.kind)
        let wanted = try request.number("resourceVersion")
        let current = store.resourceVersion
        if let wanted, wanted > current { throw StatusFailure.tooLargeResourceVersion(wanted, current: current) }
        let token = try request.query["continue"].flatMap { $0.isEmpty ? nil : try ContinueToken($0) }
        // kube-apiserver serves version 0 from its cache, which has no pages.
        let limit = wanted == 0 && token == nil ? nil : try request.number("limit").flatMap { $0 == 0 ? nil : $0 }
        let isExact = request.query["resourceVersionMatch"] == "Exact"
        let revision = token?.resourceVersion ?? (isExact ? wanted : nil) ?? current
        var items = try store.list(target.kind, namespace: target.namespace, at: revision)
        if let token { items = items.filter { token.last < $0.key } }
        items = items.filter { matches($0.object) }
        var next: ContinueToken?
        var remaining: Int?
        if let limit, items.count > limit {
            next = ContinueToken(resourceVersion: revision, last: items[limit - 1].key)
            let isSelecting = ["labelSelector", "fieldSelector"].contains { request.query[$0]?.isEmpty == false }
            remaining = isSelecting ? nil : items.count - limit
            items = Array(items.prefix(limit))
        }
        let document = try representation.document(
            of: items.map(\.object),
            resourceVersion: revision,
            continueToken: next?.text,
            remaining: remaining
        )
        return .document(status: 200, document, warnings: warnings)
    }

    /// The duration, in seconds, of a watch without `timeoutSeconds`.
    static let defaultWatchSeconds = 1800

    private func watch(
        _ request: APIRequest,
        _ target: ResourceTarget,
        _ representation: Representation,
        _ warnings: [String]
    ) throws -> APIResponse {
        if request.query["sendInitialEvents"] != nil {
            let cause = StatusFailure.Cause(
                reason: "FieldValueForbidden",
                message:
                    "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
                field: "sendInitialEvents"
            )
            throw StatusFailure(
                code: 422,
                reason: "Invalid",
                message: "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: \(cause.message)",
                causes: [cause]
            )
        }
        let matches = try selection(request, target.kind)
        let revision = try request.number("resourceVersion") ?? 0
        let timeout = try request.number("timeoutSeconds") ?? 0
        let changes: ObjectChanges
        if revision == 0 {
            changes = store.changes(of: target.kind, namespace: target.namespace, matching: matches)
        } else {
            do {
                changes = try store.changes(
                    of: target.kind,
                    namespace: target.namespace,
                    after: revision,
                    matching: matches
                )
            } catch let failure as StatusFailure {
                // kube-apiserver detects this after the stream has begun, so the failure is an event and not the response's
                // status.
                let frame: JSONValue = ["type": "ERROR", "object": failure.status]
                return .text(status: 200, "\(frame)\n")
            }
        }
        return .watch(
            WatchResponse(
                kind: target.kind,
                changes: changes,
                startVersion: revision,
                representation: representation,
                timeoutSeconds: timeout == 0 ? Self.defaultWatchSeconds : timeout,
                allowsBookmarks: request.flag("allowWatchBookmarks"),
                warnings: warnings
            )
        )
    }
}
