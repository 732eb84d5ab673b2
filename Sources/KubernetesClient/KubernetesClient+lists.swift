import CMemory
import FoundationEssentials
public import KubernetesModel

/// How fresh a list has to be.
public enum ListConsistency: Hashable, Sendable {
    /// As of now, in pages.
    case mostRecent
    /// Whatever the server's cache holds, in one piece: cheap, but it can be older than what was read before.
    case cached
}

extension KubernetesClient {
    /// Lists objects.
    ///
    /// - Parameters:
    ///   - type: The objects' type.
    ///   - namespace: The namespace; `nil` for all.
    ///   - labelSelector: Which objects, by label.
    ///   - fieldSelector: Which objects, by field.
    ///   - consistency: How fresh the list has to be.
    /// - Returns: All objects, and the version to watch from.
    public func list<Object: KubernetesObject>(
        _ type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil,
        consistency: ListConsistency = .mostRecent
    ) async throws -> ObjectList<Object> {
        let query = ListQuery(
            resource: type.resource,
            form: .whole,
            namespace: namespace,
            labelSelector: labelSelector,
            fieldSelector: fieldSelector
        )
        return try await list(query, consistency) { $0 }
    }

    /// Lists the metadata of objects.
    public func listMetadata<Object: KubernetesObject>(
        of type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil,
        consistency: ListConsistency = .mostRecent
    ) async throws -> ObjectList<PartialObjectMetadata> {
        try await listMetadata(
            of: type,
            in: namespace,
            labelSelector: labelSelector,
            fieldSelector: fieldSelector,
            consistency: consistency
        ) { $0 }
    }

    /// Lists the metadata of objects, and keeps of each only a part.
    ///
    /// - Parameters:
    ///   - known: Returns what was kept before of exactly this state of an object, which then is not read again.
    ///   - keep: Makes that part; `nil` leaves the object out.
    public func listMetadata<Object: KubernetesObject, Kept: Sendable>(
        of type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil,
        consistency: ListConsistency = .mostRecent,
        known: (@Sendable (ObjectVersion) -> Kept?)? = nil,
        keeping keep: @Sendable (PartialObjectMetadata) -> Kept?
    ) async throws -> ObjectList<Kept> {
        let query = ListQuery(
            resource: type.resource,
            form: .metadata,
            namespace: namespace,
            labelSelector: labelSelector,
            fieldSelector: fieldSelector
        )
        return try await list(query, consistency, known: known, keeping: keep)
    }

    /// Reads all pages. When the server has forgotten the list's version half-way (410), the list starts again, once.
    ///
    /// - Parameters:
    ///   - known: What was kept before of this state of an object, where that is known.
    ///   - keep: What is to be kept of an object; `nil` for nothing.
    func list<Item: JSONReadable, Kept: Sendable>(
        _ query: ListQuery,
        _ consistency: ListConsistency,
        known: (@Sendable (ObjectVersion) -> Kept?)? = nil,
        keeping keep: @Sendable (Item) -> Kept?
    ) async throws -> ObjectList<Kept> {
        let list = try await withVersion(of: query.resource) { version in
            do {
                return try await allPages(query, version, consistency, known, keep)
            } catch let error as KubernetesError where error.kind == .gone {
                return try await allPages(query, version, consistency, known, keep)
            }
        }
        // What a long list took to read is many times what is kept of it, and would stay with the process.
        if list.items.count >= Self.longList { cmemory_return_free_pages() }
        return list
    }

    /// How many objects make a list after which memory is given back.
    private static let longList = 1000

    private func allPages<Item: JSONReadable, Kept: Sendable>(
        _ query: ListQuery,
        _ version: String,
        _ consistency: ListConsistency,
        _ known: (@Sendable (ObjectVersion) -> Kept?)?,
        _ keep: @Sendable (Item) -> Kept?
    ) async throws -> ObjectList<Kept> {
        var kept: [Kept] = []
        var count = 0
        var token: String?
        while true {
            var path = try query.path(version: version)
            switch consistency {
            case .mostRecent: path.add("limit", String(limits.pageSize))
            // The server ignores a limit on what comes from its cache.
            case .cached: path.add("resourceVersion", "0")
            }
            path.add("continue", token)
            let request = APIRequest(
                verb: .list,
                resource: query.resource.plural,
                path: path.text,
                accept: query.form.listMediaType
            )
            let answer = try await executor.perform(request, limits: limits)
            let page = try Self.decode(answer, request) { body in
                let noted = known.map { known in
                    { (version: ObjectVersion) in
                        let item = known(version)
                        if item != nil { count += 1 }
                        return item
                    }
                }
                return try ObjectList<Kept>(json: body, known: noted) { (object: Item) in
                    count += 1
                    return keep(object)
                }
            }
            guard count <= RequestLimits.maxListedObjects else {
                throw KubernetesError(.decoding, "the list has more than \(RequestLimits.maxListedObjects) objects")
            }
            kept += page.items
            guard let next = page.metadata.continueToken else {
                return ObjectList(metadata: page.metadata, items: kept)
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
    let labelSelector: LabelSelector?
    let fieldSelector: FieldSelector?

    /// The path of the collection with the selectors.
    func path(version: String) throws -> APIPath {
        var path = try APIPath(resource, version: version, namespace: namespace)
        path.add("labelSelector", labelSelector?.description)
        path.add("fieldSelector", fieldSelector?.description)
        return path
    }
}
