internal import FoundationEssentials
internal import Logging
public import PreviewDomain

extension Previews {
    /// Ends a preview: deletes its route, so that no new request is served, then its Service.
    ///
    /// If only one of the two is left, it is deleted. A token of another run and an unknown token cost the same
    /// requests, so that the response time does not distinguish them.
    ///
    /// - Parameter requester: The caller, for the log; `nil` if there is none.
    public func stop(run: RunID, token: PreviewToken, by requester: String? = nil) async throws(PreviewError) {
        try await stop(token, of: run.label, by: requester) { $0.belongs(to: run) }
    }

    /// Same as ``stop(run:token:by:)-(RunID,_,_)``, for a preview whose run is known only by its label.
    public func stop(run: RunLabel, token: PreviewToken, by requester: String? = nil) async throws(PreviewError) {
        try await stop(token, of: run, by: requester) { $0.run == run }
    }

    /// - Parameters:
    ///   - run: The label of the run, which is all that a Service has.
    ///   - isOwn: Whether a route is of the run.
    private func stop(
        _ token: PreviewToken,
        of run: RunLabel,
        by requester: String?,
        _ isOwn: (Preview) -> Bool
    ) async throws(PreviewError) {
        try await mappingClusterErrors {
            let route = try await currentRoute(token, isOwn)
            let backend = try await currentBackend(token, of: run)
            guard route.map(isOwn) ?? (backend?.run == run) else { throw PreviewError.previewNotFound }

            var deletedAny = false
            do {
                if let route {
                    deletedAny = try hasDeleted(await objects.deleteRoute(token, .uid(route.uid)))
                    if deletedAny, let event = TimelineEvent.stopped(route) { timeline.record(event) }
                }
                // A Service with the label of another run does not belong to this preview, whatever its name.
                if let backend, backend.run == run || backend.run == nil {
                    deletedAny = try hasDeleted(await objects.deleteBackend(token, .uid(backend.uid))) || deletedAny
                }
            } catch {
                // The caller may not retry, and the route may be gone: the reaper then deletes the Service at once.
                mirror.recordEnd(of: token, checkAt: clusterTime.reading()?.latest ?? .distantPast)
                throw error
            }
            guard deletedAny else { throw PreviewError.previewNotFound }
            mirror.recordStop(of: token)
            var metadata: Logger.Metadata = ["preview": "\(token.fingerprint)", "run": "\(run)"]
            if let requester { metadata["by"] = "\(SecretMask.mask(requester))" }
            logger.info("a preview was stopped", metadata: metadata)
        }
    }

    /// An object that was created again in the meantime still serves the preview, so the preview is not stopped.
    private func hasDeleted(_ outcome: DeletionOutcome) throws(ClusterError) -> Bool {
        switch outcome {
        case .deleted: true
        case .gone: false
        case .changed: throw ClusterError(.unavailable, "the preview was created again while it was being stopped")
        }
    }

    /// The mirror is sufficient only if it says that the preview belongs to this run.
    private func currentRoute(_ token: PreviewToken, _ isOwn: (Preview) -> Bool) async throws -> Preview? {
        if case .present(let preview) = mirror.route(token), isOwn(preview) { return preview }
        return try await objects.route(token)
    }

    private func currentBackend(_ token: PreviewToken, of run: RunLabel) async throws -> PreviewBackend? {
        if case .present(let backend) = mirror.backend(token), backend.run == run { return backend }
        return try await objects.backend(token)
    }
}
