public import Basics
public import KubernetesModel

/// Content for people: whole documents, logs, pages of pods. It is used for an operator's diagnosis, not by the service
/// itself.
extension KubernetesClient {
    /// Lists objects with all their members.
    ///
    /// - Parameters:
    ///   - resource: The kind of the objects.
    ///   - namespace: The namespace; `nil` for all, or for cluster-wide kinds.
    ///   - labelSelector: Selects objects by label.
    public func documents(
        of resource: APIResource,
        in namespace: String?,
        labelSelector: LabelSelector?
    ) async throws -> [JSONValue] {
        try await withVersion(of: resource) { version in
            let query = ListQuery(
                resource: resource,
                form: .whole,
                namespace: namespace,
                labelSelector: labelSelector
            )
            var path = try query.path(version: version)
            path.add("limit", String(RequestLimits.maxListedObjects))
            let request = APIRequest(verb: .list, resource: resource.plural, path: path.text)
            return try await perform(request, DocumentList.self).items ?? []
        }
    }

    /// Reads the last lines of a pod's log.
    public func log(ofPod name: String, in namespace: String, lastLines count: Int) async throws -> String {
        try await text(at: "\(Self.path(ofPod: name, in: namespace))/log?tailLines=\(count)", "pods/log")
    }

    /// Reads a page that a pod serves over plain HTTP, through the API server's proxy.
    ///
    /// - Parameters:
    ///   - port: The port of the pod.
    ///   - path: The path with its leading slash.
    public func page(ofPod name: String, in namespace: String, port: Int, path: String) async throws -> String {
        try await text(at: "\(Self.path(ofPod: "\(name):\(port)", in: namespace))/proxy\(path)", "pods/proxy")
    }

    private static func path(ofPod name: String, in namespace: String) -> String {
        "/api/v1/namespaces/\(APIPath.encode(namespace))/pods/\(APIPath.encode(name))"
    }

    private func text(at path: String, _ resource: String) async throws -> String {
        let request = APIRequest(verb: .get, resource: resource, path: path, accept: "*/*")
        return String(decoding: try await executor.perform(request, limits: limits).body, as: UTF8.self)
    }

    private struct DocumentList: Decodable, JSONReadable {
        let items: [JSONValue]?
    }
}
