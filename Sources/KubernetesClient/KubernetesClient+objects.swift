import FoundationEssentials
public import KubernetesModel

/// What became of an object that was to be deleted.
public enum DeletionResult: Hashable, Sendable {
    /// It is gone.
    case deleted
    /// It has a deletion timestamp and stays until its finalizers are removed.
    case deleting
    /// It did not exist.
    case notFound
}

/// How fresh a list has to be.
public enum ListConsistency: Hashable, Sendable {
    /// As of now: the server asks its store.
    case mostRecent
    /// Whatever the server's cache holds: cheap, perhaps a little old, and in one piece.
    case cached
}

extension KubernetesClient {
    /// Reads one object.
    ///
    /// - Throws: ``KubernetesError``, of kind ``KubernetesError/Kind/notFound(_:)`` if it does not exist.
    public func get<Object: KubernetesObject>(
        _ type: Object.Type, named name: String, in namespace: String?
    ) async throws -> Object {
        let resource = Object.resource
        let answer = try await perform(.get, resource, path: objectPath(resource, name, namespace))
        return try decode(type, answer.body, "get \(resource.plural)")
    }

    /// Reads one object's metadata.
    public func getMetadata<Object: KubernetesObject>(
        of type: Object.Type, named name: String, in namespace: String?
    ) async throws -> PartialObjectMetadata {
        let resource = Object.resource
        let answer = try await perform(.get, resource, path: objectPath(resource, name, namespace)) { request, _ in
            request.accept = MediaType.partialObject
        }
        return try decode(PartialObjectMetadata.self, answer.body, "get \(resource.plural)")
    }

    /// Lists objects, page by page, all as of one version.
    public func list<Object: KubernetesObject>(
        _ type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil
    ) async throws -> ObjectList<Object> {
        try await pages(
            Object.resource, namespace, ListQuery(labels: labelSelector, fields: fieldSelector), MediaType.json
        )
    }

    /// Lists objects' metadata.
    ///
    /// - Parameter consistency: ``ListConsistency/cached`` comes in one piece, since servers ignore `limit` then.
    public func listMetadata<Object: KubernetesObject>(
        of type: Object.Type,
        in namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil,
        consistency: ListConsistency = .mostRecent
    ) async throws -> ObjectList<PartialObjectMetadata> {
        try await listMetadata(
            of: Object.resource, in: namespace, ListQuery(labels: labelSelector, fields: fieldSelector), consistency
        )
    }

    func listMetadata(
        of resource: APIResource, in namespace: String?, _ query: ListQuery, _ consistency: ListConsistency
    ) async throws -> ObjectList<PartialObjectMetadata> {
        switch consistency {
        case .mostRecent:
            return try await pages(resource, namespace, query, MediaType.partialObjectList)
        case .cached:
            let page = Page(resourceVersion: "0", limit: nil, continueToken: nil)
            return try await self.page(page, resource, namespace, query, MediaType.partialObjectList)
        }
    }

    /// Creates an object.
    ///
    /// - Throws: ``KubernetesError``; a failure that is not ``KubernetesError/Kind/alreadyExists`` may leave open
    ///   whether the object was created.
    public func create<Object: KubernetesObject>(_ object: Object, in namespace: String?) async throws -> Object {
        let resource = Object.resource
        let answer = try await perform(
            .create, resource, path: { try APIPath(resource, version: $0, namespace: namespace) }
        ) { request, version in
            request.contentType = MediaType.json
            request.body = try Self.encode(TypedObject(object: object, version: version))
        }
        return try decode(Object.self, answer.body, "create \(resource.plural)")
    }

    /// Changes an object.
    ///
    /// - Throws: ``KubernetesError``. A JSON Patch that does not apply is ``KubernetesError/Kind/invalid``; the server
    ///   does not tell a failed `test` from a missing path.
    public func patch<Object: KubernetesObject>(
        _ type: Object.Type, named name: String, in namespace: String?, _ patch: Patch
    ) async throws -> Object {
        let resource = Object.resource
        let answer = try await perform(.patch, resource, path: objectPath(resource, name, namespace)) { request, _ in
            request.contentType = patch.contentType
            request.body = try Self.encode(patch)
        }
        return try decode(type, answer.body, "patch \(resource.plural)")
    }

    /// Changes an object and takes only its metadata back.
    public func patchMetadata<Object: KubernetesObject>(
        of type: Object.Type, named name: String, in namespace: String?, _ patch: Patch
    ) async throws -> PartialObjectMetadata {
        let resource = Object.resource
        let answer = try await perform(.patch, resource, path: objectPath(resource, name, namespace)) { request, _ in
            request.accept = MediaType.partialObject
            request.contentType = patch.contentType
            request.body = try Self.encode(patch)
        }
        return try decode(PartialObjectMetadata.self, answer.body, "patch \(resource.plural)")
    }

    /// Deletes an object, provided that it is the one that is meant.
    ///
    /// - Throws: ``KubernetesError``, of kind ``KubernetesError/Kind/conflict`` if it is another one.
    public func delete<Object: KubernetesObject>(
        _ type: Object.Type, named name: String, in namespace: String?, preconditions: Preconditions
    ) async throws -> DeletionResult {
        let resource = Object.resource
        do {
            let answer = try await perform(
                .delete, resource, path: objectPath(resource, name, namespace)
            ) { request, _ in
                request.contentType = MediaType.json
                request.body = try Self.encode(DeleteOptions(preconditions: preconditions))
            }
            // An object with finalizers is returned itself; else a Status comes, which has no deletion timestamp.
            let remains = try? decode(PartialObjectMetadata.self, answer.body, "delete \(resource.plural)")
            return remains?.metadata.finalizers.isEmpty == false ? .deleting : .deleted
        } catch let error as KubernetesError where error.meansObjectIsMissing {
            return .notFound
        }
    }

    private func objectPath(
        _ resource: APIResource, _ name: String, _ namespace: String?
    ) -> (String) throws -> APIPath {
        { version in
            try APIPath(resource, version: version, namespace: namespace).object(name, of: resource, in: namespace)
        }
    }

    static func encode(_ value: some Encodable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value))
    }
}

/// An object with the `apiVersion` and `kind` that a create needs.
private struct TypedObject<Object: KubernetesObject>: Encodable {
    let object: Object
    let version: String

    private enum CodingKeys: String, CodingKey {
        case apiVersion, kind
    }

    func encode(to encoder: any Encoder) throws {
        try object.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Object.resource.apiVersion(version), forKey: .apiVersion)
        try container.encode(Object.resource.kind, forKey: .kind)
    }
}
