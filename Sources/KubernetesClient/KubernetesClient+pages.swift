import KubernetesModel

/// Which objects a list or a watch is about.
struct ListQuery: Sendable {
    let labels: LabelSelector?
    let fields: FieldSelector?

    func add(to path: inout APIPath) {
        path.add("labelSelector", labels?.description)
        path.add("fieldSelector", fields?.description)
    }
}

extension KubernetesClient {
    /// One page of a list.
    struct Page: Sendable {
        var resourceVersion: String?
        var limit: Int?
        var continueToken: String?
    }

    /// How often a list whose continue token expired half-way begins anew.
    private static let maxListRestarts = 2

    /// Reads all pages of a list (Kubernetes API concepts, "Retrieving large results sets in chunks").
    ///
    /// A continue token expires after minutes (410); the list then begins anew, so that it stays one consistent list.
    func pages<Item: Decodable & Sendable>(
        _ resource: APIResource, _ namespace: String?, _ query: ListQuery, _ accept: String
    ) async throws -> ObjectList<Item> {
        var restarts = 0
        while true {
            do {
                return try await allPages(resource, namespace, query, accept)
            } catch let error as KubernetesError where error.kind == .gone && restarts < Self.maxListRestarts {
                restarts += 1
            }
        }
    }

    private func allPages<Item: Decodable & Sendable>(
        _ resource: APIResource, _ namespace: String?, _ query: ListQuery, _ accept: String
    ) async throws -> ObjectList<Item> {
        var page = Page(resourceVersion: nil, limit: limits.pageSize, continueToken: nil)
        var whole: ObjectList<Item> = try await self.page(page, resource, namespace, query, accept)
        while let token = whole.metadata.continueToken {
            page.continueToken = token
            let next: ObjectList<Item> = try await self.page(page, resource, namespace, query, accept)
            whole.items += next.items
            whole.metadata = next.metadata
            guard whole.items.count <= RequestLimits.maxListedObjects else {
                throw KubernetesError(
                    .rejected, "there are more than \(RequestLimits.maxListedObjects) \(resource.plural)"
                )
            }
        }
        return whole
    }

    func page<Item: Decodable & Sendable>(
        _ page: Page, _ resource: APIResource, _ namespace: String?, _ query: ListQuery, _ accept: String
    ) async throws -> ObjectList<Item> {
        let answer = try await perform(
            .list, resource,
            path: { version in
                var path = try APIPath(resource, version: version, namespace: namespace)
                query.add(to: &path)
                path.add("resourceVersion", page.resourceVersion)
                path.add("limit", page.limit.map { String($0) })
                path.add("continue", page.continueToken)
                return path
            }
        ) { request, _ in request.accept = accept }
        return try decode(ObjectList<Item>.self, answer.body, "list \(resource.plural)")
    }
}
