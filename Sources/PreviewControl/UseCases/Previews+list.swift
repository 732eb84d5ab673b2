public import PreviewDomain

extension Previews {
    /// The previews of one run, the oldest first, with what the gateway says about each.
    public func list(run: RunID) async throws(PreviewError) -> [PreviewSession] {
        try await asking {
            try await objects.routes(of: run.label)
                .filter { !$0.preview.isBeingDeleted }
                .sorted { ($0.preview.createdAt, $0.preview.uid) < ($1.preview.createdAt, $1.preview.uid) }
                .map { PreviewSession($0.preview, policy: policy.lifetime, readiness: Readiness($0.status)) }
        }
    }
}
