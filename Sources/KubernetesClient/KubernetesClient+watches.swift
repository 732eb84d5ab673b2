import HTTPTransport
import KubernetesModel

extension KubernetesClient {
    /// How long a watch is asked to last.
    static let watchLifetime: Duration = .seconds(300)

    /// Watches objects until the server ends the watch, says nothing for ``RequestLimits/maxWatchSilence``, or a new watch
    /// is requested.
    ///
    /// A quiet watch is not different from a dead one, so silence ends it like the server does: what the next watch
    /// begins with tells which of the two it was. Nothing is retried: a watch that ends is continued by another one from
    /// the last version seen. `handle` is awaited for each event before the next is read, so that nothing piles up here.
    ///
    /// - Parameters:
    ///   - query: Which objects.
    ///   - resourceVersion: The version after which changes are sent. A version from the future is not an error: the
    ///     server then says nothing.
    ///   - lifetime: How long the server is asked to keep the watch up.
    ///   - liveness: Requests the new watch.
    ///   - opened: Called when the server has accepted the watch.
    ///   - handle: Gets every event but errors. What it throws ends the watch and is thrown.
    /// - Throws: ``KubernetesError``; of kind ``KubernetesError/Kind/gone`` if `resourceVersion` is too old, in which
    ///   case it must not be used again.
    func watch<Object: JSONReadable>(
        _ query: ListQuery,
        _ resourceVersion: String,
        _ lifetime: Duration,
        liveness: WatchLiveness,
        opened: @Sendable () async throws -> Void,
        _ handle: @Sendable (WatchEvent<Object>) async throws -> Void
    ) async throws {
        await resolver.refresh(query.resource, executor: executor, limits: limits)
        try await withVersion(of: query.resource) { version in
            var path = try query.path(version: version)
            path.add("watch", "true")
            path.add("allowWatchBookmarks", "true")
            path.add("resourceVersion", resourceVersion)
            path.add("timeoutSeconds", String(max(1, lifetime.components.seconds)))
            let request = APIRequest(
                verb: .watch,
                resource: query.resource.plural,
                path: path.text,
                accept: query.form.watchMediaType
            )
            try await executor.stream(
                request,
                maxSilence: min(RequestLimits.maxWatchSilence, lifetime + RequestLimits.watchGrace),
                headTimeout: limits.attemptTimeout,
                liveness: liveness,
                opened: opened
            ) { body in
                var decoder = WatchDecoder<Object>(maxFrameBytes: RequestLimits.maxFrameBytes)
                for try await chunk in body {
                    decoder.append(chunk)
                    while let event = try decoder.next() {
                        if case .error(let status) = event {
                            throw KubernetesError(frame: status, resource: query.resource.plural)
                        }
                        try await handle(event)
                    }
                }
            }
        }
    }
}
