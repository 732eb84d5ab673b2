import FoundationEssentials
public import KubernetesModel

/// What became of an object that was to be deleted.
public enum DeletionResult: Hashable, Sendable {
    /// It is gone.
    case deleted
    /// The server has accepted the delete; the object stays until its grace period is over and its finalizers are
    /// done.
    case deleting
    /// There was no such object.
    case notFound
}

extension KubernetesClient {
    /// Reads one object.
    ///
    /// - Parameters:
    ///   - type: The object's type.
    ///   - name: Its name.
    ///   - namespace: Its namespace; `nil` only for cluster-wide kinds.
    public func get<Object: KubernetesObject>(
        _ type: Object.Type,
        named name: String,
        in namespace: String?
    ) async throws -> Object {
        try await onObject(.get, type.resource, name, namespace, decoding: type)
    }

    /// Reads the metadata of one object.
    public func getMetadata<Object: KubernetesObject>(
        of type: Object.Type,
        named name: String,
        in namespace: String?
    ) async throws -> PartialObjectMetadata {
        try await onObject(
            .get,
            type.resource,
            name,
            namespace,
            accept: MediaType.partialObject,
            decoding: PartialObjectMetadata.self
        )
    }

    /// Creates an object.
    ///
    /// It is sent again only if the server cannot have acted on it; after a time-out the object may exist.
    ///
    /// - Parameters:
    ///   - object: The object, without what the server fills in.
    ///   - namespace: The namespace to create it in; `nil` only for cluster-wide kinds.
    /// - Returns: The object as the server stored it.
    public func create<Object: KubernetesObject>(_ object: Object, in namespace: String?) async throws -> Object {
        try APIPath.requireNamespace(namespace, Object.resource)
        return try await withVersion(of: Object.resource) { version in
            try await perform(try creation(of: object, in: namespace, version: version), Object.self)
        }
    }

    /// Creates an object and gets only its metadata back. See ``create(_:in:)``.
    public func createMetadata<Object: KubernetesObject>(
        of object: Object,
        in namespace: String?
    ) async throws -> PartialObjectMetadata {
        try APIPath.requireNamespace(namespace, Object.resource)
        return try await withVersion(of: Object.resource) { version in
            let request = try creation(of: object, in: namespace, version: version, accept: MediaType.partialObject)
            return try await perform(request, PartialObjectMetadata.self)
        }
    }

    private func creation<Object: KubernetesObject>(
        of object: Object,
        in namespace: String?,
        version: String,
        accept: String = MediaType.json
    ) throws -> APIRequest {
        let resource = Object.resource
        let document = VersionedObject(apiVersion: resource.apiVersion(version), kind: resource.kind, object: object)
        return APIRequest(
            verb: .create,
            resource: resource.plural,
            path: try APIPath(resource, version: version, namespace: namespace).text,
            accept: accept,
            contentType: MediaType.json,
            body: [UInt8](try JSONEncoder().encode(document))
        )
    }

    /// Changes an object and gets its metadata back.
    ///
    /// - Parameters:
    ///   - type: The object's type.
    ///   - name: Its name.
    ///   - namespace: Its namespace; `nil` only for cluster-wide kinds.
    ///   - patch: The change. A patch that changes nothing leaves the resourceVersion as it is.
    /// - Returns: The metadata after the change.
    public func patchMetadata<Object: KubernetesObject>(
        of type: Object.Type,
        named name: String,
        in namespace: String?,
        _ patch: Patch
    ) async throws -> PartialObjectMetadata {
        try await onObject(
            .patch,
            type.resource,
            name,
            namespace,
            accept: MediaType.partialObject,
            contentType: patch.contentType,
            body: [UInt8](try JSONEncoder().encode(patch)),
            decoding: PartialObjectMetadata.self
        )
    }

    /// Deletes exactly the object that `preconditions` describe.
    ///
    /// - Returns: What became of it. An object that is gone already is no error.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/conflict`` if the object is another one, or has
    ///   changed, which any writer can have done: read it and evaluate again.
    public func delete<Object: KubernetesObject>(
        _ type: Object.Type,
        named name: String,
        in namespace: String?,
        preconditions: Preconditions
    ) async throws -> DeletionResult {
        do {
            let response = try await onObject(
                .delete,
                type.resource,
                name,
                namespace,
                contentType: MediaType.json,
                body: [UInt8](try JSONEncoder().encode(DeleteOptions(preconditions: preconditions))),
                decoding: DeleteResponse.self
            )
            return response.isPending ? .deleting : .deleted
        } catch let error as KubernetesError where error.meansObjectIsMissing {
            return .notFound
        }
    }

    private func onObject<Value: JSONReadable>(
        _ verb: RequestVerb,
        _ resource: APIResource,
        _ name: String,
        _ namespace: String?,
        accept: String = MediaType.json,
        contentType: String? = nil,
        body: [UInt8] = [],
        decoding type: Value.Type
    ) async throws -> Value {
        try await withVersion(of: resource) { version in
            let collection = try APIPath(resource, version: version, namespace: namespace)
            let request = APIRequest(
                verb: verb,
                resource: resource.plural,
                path: try collection.object(name, of: resource, in: namespace).text,
                accept: accept,
                contentType: contentType,
                body: body
            )
            return try await perform(request, type)
        }
    }
}

/// An object together with the members that name its kind.
private struct VersionedObject<Object: KubernetesObject>: Encodable {
    let apiVersion: String
    let kind: String
    let object: Object

    private enum CodingKeys: String, CodingKey {
        case apiVersion, kind
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(apiVersion, forKey: .apiVersion)
        try container.encode(kind, forKey: .kind)
        try object.encode(to: encoder)
    }
}
