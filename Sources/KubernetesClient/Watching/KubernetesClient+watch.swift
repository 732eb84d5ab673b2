import FoundationEssentials
import HTTPTransport
import KubernetesModel

extension KubernetesClient {
    /// Watches objects' metadata until the server ends the stream (Kubernetes API concepts, "Efficient detection of
    /// changes").
    ///
    /// A frame that is cut off at the end of the stream is dropped: the next watch delivers it again.
    ///
    /// - Parameters:
    ///   - version: The resourceVersion after which changes are wanted.
    ///   - lifetime: When the server is asked to end the stream. A server that does not counts as dead a little later.
    ///   - onOpen: Called once the server has begun to answer.
    ///   - handle: Takes one event; the stream waits for it.
    func watchMetadata(
        of resource: APIResource,
        in namespace: String?,
        _ query: ListQuery,
        from version: String,
        lifetime: Duration,
        onOpen: @escaping @Sendable () async throws -> Void,
        _ handle: @escaping @Sendable (WatchEvent<PartialObjectMetadata>) async throws -> Void
    ) async throws {
        let apiVersion = try await versions.version(of: resource)
        var path = try APIPath(resource, version: apiVersion, namespace: namespace)
        query.add(to: &path)
        path.add("watch", "true")
        path.add("allowWatchBookmarks", "true")
        path.add("resourceVersion", version)
        path.add("timeoutSeconds", String(lifetime.components.seconds))
        var request = APIRequest(verb: .watch, resource: resource.plural, path: path.text)
        request.accept = MediaType.partialObject
        let operation = request.operation
        try await executor.stream(
            request, lifetime: lifetime + RequestLimits.watchGrace, headTimeout: limits.attemptTimeout
        ) { body in
            try await onOpen()
            var frames = WatchFrames()
            for try await chunk in body {
                for frame in try frames.take(chunk) {
                    try await handle(self.decode(WatchEvent<PartialObjectMetadata>.self, frame, operation))
                }
            }
        }
    }
}
