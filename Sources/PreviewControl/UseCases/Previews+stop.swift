internal import Logging
public import PreviewDomain

extension Previews {
    /// Ends a preview: its route first, so that nothing is served any more, then its Service.
    ///
    /// Where only one of the two is left it finishes the job.
    public func stop(run: RunID, token: PreviewToken) async throws(PreviewError) {
        try await asking {
            let route = try await currentRoute(token)
            if let route, route.run != run.label { throw PreviewError.previewNotFound }
            let backend = try await currentBackend(token)
            if route == nil, backend?.run != run.label { throw PreviewError.previewNotFound }

            var deletedAny = false
            if let route {
                deletedAny = try await objects.deleteRoute(token, .uid(route.uid)) == .deleted
                if deletedAny, let event = TimelineEvent.stopped(route) { timeline.record(event) }
            }
            // A Service that says it is another run's is not this preview's, whatever its name.
            if let backend, backend.run == run.label || backend.run == nil {
                deletedAny = try await objects.deleteBackend(token, .uid(backend.uid)) == .deleted || deletedAny
            }
            guard deletedAny else { throw PreviewError.previewNotFound }
            logger.info("a preview was stopped", metadata: ["preview": "\(token.fingerprint)"])
        }
    }

    private func currentRoute(_ token: PreviewToken) async throws -> Preview? {
        if case .present(let preview) = index.route(token) { return preview }
        return try await objects.route(token)
    }

    private func currentBackend(_ token: PreviewToken) async throws -> PreviewBackend? {
        if case .present(let backend) = index.backend(token) { return backend }
        return try await objects.backend(token)
    }
}
