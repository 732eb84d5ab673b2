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
                deletedAny = try hasDeleted(await objects.deleteRoute(token, .uid(route.uid)))
                if deletedAny, let event = TimelineEvent.stopped(route) { timeline.record(event) }
            }
            // A Service that says it is another run's is not this preview's, whatever its name.
            if let backend, backend.run == run.label || backend.run == nil {
                deletedAny = try hasDeleted(await objects.deleteBackend(token, .uid(backend.uid))) || deletedAny
            }
            guard deletedAny else { throw PreviewError.previewNotFound }
            logger.info("a preview was stopped", metadata: ["preview": "\(token.fingerprint)"])
        }
    }

    /// An object that was made anew meanwhile still serves the preview, so that it is not stopped.
    private func hasDeleted(_ outcome: DeletionOutcome) throws(ClusterError) -> Bool {
        switch outcome {
        case .deleted: true
        case .gone: false
        case .changed: throw ClusterError(.unavailable, "the preview was made anew while it was being stopped")
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
