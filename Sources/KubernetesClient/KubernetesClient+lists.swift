import CMemory
public import KubernetesModel

extension KubernetesClient {
    /// Lists objects. Every list shows the present state, never an older one from the server's cache.
    ///
    /// - Parameters:
    ///   - type: The objects' type.
    ///   - namespace: The namespace; `nil` for all.
    ///   - labelSelector: Which objects, by label.
    /// - Returns: All objects, and the version to watch from.
    public func list<Object: KubernetesObject>(
        _ type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil
    ) async throws -> ObjectList<Object> {
        let query = ListQuery(
            resource: type.resource,
            form: .whole,
            namespace: namespace,
            labelSelector: labelSelector
        )
        return try await list(query) { $0 }
    }

    /// Lists the metadata of objects.
    public func listMetadata<Object: KubernetesObject>(
        of type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil
    ) async throws -> ObjectList<PartialObjectMetadata> {
        try await listMetadata(
            of: type,
            in: namespace,
            labelSelector: labelSelector,
            fieldSelector: fieldSelector
        ) { $0 }
    }

    /// Lists the metadata of objects, and stores only a part of each.
    ///
    /// - Parameters:
    ///   - kept: Returns the stored part of exactly this version of an object, which is then not decoded again.
    ///   - keep: Creates that part; `nil` omits the object.
    public func listMetadata<Object: KubernetesObject, Kept: Sendable>(
        of type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil,
        reusing kept: (@Sendable (ObjectVersion) -> Kept?)? = nil,
        keeping keep: @Sendable (PartialObjectMetadata) -> Kept?
    ) async throws -> ObjectList<Kept> {
        let query = ListQuery(
            resource: type.resource,
            form: .metadata,
            namespace: namespace,
            labelSelector: labelSelector,
            fieldSelector: fieldSelector
        )
        return try await list(query, reusing: kept, keeping: keep)
    }

    /// Reads all pages. If the server no longer has the list's version (410), the list starts again, once.
    ///
    /// - Parameters:
    ///   - kept: The stored part of this version of an object, if there is one.
    ///   - keep: The part to be stored of an object; `nil` for nothing.
    func list<Item: JSONReadable, Kept: Sendable>(
        _ query: ListQuery,
        reusing kept: (@Sendable (ObjectVersion) -> Kept?)? = nil,
        keeping keep: @Sendable (Item) -> Kept?
    ) async throws -> ObjectList<Kept> {
        let list = try await withVersion(of: query.resource) { version in
            do {
                return try await allPages(query, version, kept, keep)
            } catch let error as KubernetesError where error.kind == .gone {
                return try await allPages(query, version, kept, keep)
            }
        }
        // The memory for reading a long list is many times that of the stored parts, and would remain allocated.
        if list.items.count >= Self.longList { cmemory_return_free_pages() }
        return list
    }

    /// The number of objects in a list after which memory is returned to the system.
    private static let longList = 1000

    private func allPages<Item: JSONReadable, Kept: Sendable>(
        _ query: ListQuery,
        _ version: String,
        _ kept: (@Sendable (ObjectVersion) -> Kept?)?,
        _ keep: @Sendable (Item) -> Kept?
    ) async throws -> ObjectList<Kept> {
        var items: [Kept] = []
        var count = 0
        var token: String?
        while true {
            var path = try query.path(version: version)
            path.add("limit", String(limits.pageSize))
            path.add("continue", token)
            let request = APIRequest(
                verb: .list,
                resource: query.resource.plural,
                path: path.text,
                accept: query.form.listMediaType
            )
            let response = try await executor.perform(request, limits: limits)
            let page = try Self.decode(response, request) { body in
                let noted = kept.map { kept in
                    { (version: ObjectVersion) in
                        let item = kept(version)
                        if item != nil { count += 1 }
                        return item
                    }
                }
                return try ObjectList<Kept>(json: body, reusing: noted) { (object: Item) in
                    count += 1
                    return keep(object)
                }
            }
            guard count <= RequestLimits.maxListedObjects else {
                throw KubernetesError(.decoding, "the list has more than \(RequestLimits.maxListedObjects) objects")
            }
            items += page.items
            guard let next = page.metadata.continueToken else {
                return ObjectList(metadata: page.metadata, items: items)
            }
            token = next
        }
    }
}

/// How much of each object a list or a watch brings.
enum ObjectForm: Sendable {
    case whole
    case metadata

    var listMediaType: String {
        switch self {
        case .whole: MediaType.json
        case .metadata: MediaType.partialObjectList
        }
    }

    var watchMediaType: String {
        switch self {
        case .whole: MediaType.json
        case .metadata: MediaType.partialObject
        }
    }
}

/// Which objects to list or watch.
struct ListQuery: Sendable {
    let resource: APIResource
    let form: ObjectForm
    let namespace: String?
    var labelSelector: LabelSelector?
    var fieldSelector: FieldSelector?

    /// The path of the collection with the selectors.
    func path(version: String) throws -> APIPath {
        var path = try APIPath(resource, version: version, namespace: namespace)
        path.add("labelSelector", labelSelector?.description)
        path.add("fieldSelector", fieldSelector?.description)
        return path
    }
}
