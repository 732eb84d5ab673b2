public import PreviewDomain

extension Previews {
    /// The previews of one run, the oldest first, with what the gateway says about each.
    public func list(run: RunID) async throws(PreviewError) -> [PreviewSession] {
        let routes = try await asking { try await objects.routes(of: run.label) }
        return
            routes
            .filter { !$0.preview.isBeingDeleted }
            .sorted { PreviewRank($0.preview).isOlder(than: PreviewRank($1.preview)) }
            .map { PreviewSession($0.preview, policy: policy.lifetime, readiness: Readiness($0.status)) }
    }
}
