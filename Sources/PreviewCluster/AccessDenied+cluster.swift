internal import PreviewControl
internal import PreviewIdentity

extension AccessDenied {
    /// Runs requests to the cluster; without an answer nobody can be let in.
    static func asking<Result: Sendable>(
        _ work: () async throws -> Result
    ) async throws(AccessDenied) -> Result {
        do throws(ClusterError) {
            return try await ClusterError.asking(work)
        } catch {
            guard error.kind != .cancelled else { throw .cancelled }
            throw AccessDenied(
                .unavailable,
                "Whether you may do this cannot be told right now: \(error.detail). \(error.advice)",
                retryAfter: error.isTemporary ? error.retryAfter ?? defaultRetry : error.retryTime
            )
        }
    }

    /// When to try again where the API server does not say.
    private static let defaultRetry = Duration.seconds(2)
}
