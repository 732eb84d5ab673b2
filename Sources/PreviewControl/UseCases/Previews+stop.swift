internal import FoundationEssentials
internal import Logging
public import PreviewDomain

extension Previews {
    /// Ends a preview: its route first, so that nothing is served any more, then its Service.
    ///
    /// Where only one of the two is left it finishes the job. Another run's token and one that nobody has cost the same
    /// requests, so that the time of the answer tells nothing either.
    public func stop(run: RunID, token: PreviewToken) async throws(PreviewError) {
        try await stop(run: run.label, token: token)
    }

    /// As ``stop(run:token:)-(RunID,_)``, for a preview that knows its run by the label alone.
    public func stop(run: RunLabel, token: PreviewToken) async throws(PreviewError) {
        try await mappingClusterErrors {
            let route = try await currentRoute(token, of: run)
            let backend = try await currentBackend(token, of: run)
            guard (route == nil ? backend?.run : route?.run) == run else { throw PreviewError.previewNotFound }

            var deletedAny = false
            do {
                if let route {
                    deletedAny = try hasDeleted(await objects.deleteRoute(token, .uid(route.uid)))
                    if deletedAny, let event = TimelineEvent.stopped(route) { timeline.record(event) }
                }
                // A Service that says it is another run's is not this preview's, whatever its name.
                if let backend, backend.run == run || backend.run == nil {
                    deletedAny = try hasDeleted(await objects.deleteBackend(token, .uid(backend.uid))) || deletedAny
                }
            } catch {
                // The caller may not try again, and the route may be gone: then the reaper deletes the Service at once.
                mirror.noteEnd(of: token, lookAt: clusterTime.reading()?.latest ?? .distantPast)
                throw error
            }
            guard deletedAny else { throw PreviewError.previewNotFound }
            mirror.noteStop(of: token)
            logger.info("a preview was stopped", metadata: ["preview": "\(token.fingerprint)", "run": "\(run)"])
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

    /// The mirror is believed only where it says that the preview is this run's.
    private func currentRoute(_ token: PreviewToken, of run: RunLabel) async throws -> Preview? {
        if case .present(let preview) = mirror.route(token), preview.run == run { return preview }
        return try await objects.route(token)
    }

    private func currentBackend(_ token: PreviewToken, of run: RunLabel) async throws -> PreviewBackend? {
        if case .present(let backend) = mirror.backend(token), backend.run == run { return backend }
        return try await objects.backend(token)
    }
}
