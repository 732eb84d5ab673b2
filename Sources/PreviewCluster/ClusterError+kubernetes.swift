internal import HTTPTransport
internal import KubernetesClient
internal import PreviewControl

extension ClusterError {
    /// The error for the use cases, from an error of the Kubernetes client.
    ///
    /// The server's own message is omitted: it contains the names of objects, and a preview's name contains its token.
    init(_ error: KubernetesError) {
        let kind: Kind =
            switch error.kind {
            case .unauthorized, .forbidden, .configuration: .refused
            case .quotaExceeded: .quotaExceeded
            case .webhookFailed: .webhookFailing
            case .webhookDenied: .webhookDenied
            case .policyDenied: .policyDenied
            case .namespaceTerminating: .namespaceEnding
            case .alreadyExists: .alreadyExists
            case .invalid, .tooLarge, .rejected, .notFound(.namespace), .notFound(.group), .decoding: .rejected
            case .tooManyRequests: .busy
            case .unavailable where error.retryAfter != nil: .busy
            case .transport(.cancelled): .cancelled
            case .unavailable, .serverError, .notFound(.object), .conflict, .gone, .transport: .unavailable
            }
        self.init(kind, Self.detail(of: error), retryAfter: error.retryAfter)
    }

    private static func detail(of error: KubernetesError) -> String {
        switch error.kind {
        case .notFound(.namespace): "the namespace of the previews does not exist"
        case .notFound(.group): "the API server does not serve a resource that previews need"
        case .namespaceTerminating: "the namespace of the previews is being deleted"
        case .quotaExceeded: "the namespace of the previews has as many objects as its resource quota allows"
        case .webhookFailed: "an admission webhook of the cluster does not answer"
        case .webhookDenied: "an admission webhook of the cluster denied it"
        case .policyDenied: "an admission policy of the cluster denied it"
        case .tooManyRequests where error.statusCode == nil: "too many requests to the API server are already waiting"
        case .tooManyRequests: "the API server is busy (429)"
        case .unavailable where error.retryAfter != nil:
            "the API server is busy or just starting (\(error.statusCode ?? 503))"
        case .transport(.cancelled): "the request was cancelled"
        default:
            if let code = error.statusCode {
                "the API server answered \(code)"
            } else if case .transport(let kind) = error.kind {
                "the API server cannot be reached (\(kind.rawValue))"
            } else {
                "the API server's response or configuration is unusable (\(error.kind.label))"
            }
        }
    }

    /// Runs requests to the cluster and turns what they throw into a ``ClusterError``.
    static func mappingClusterErrors<Result: Sendable>(
        _ work: () async throws -> Result
    ) async throws(ClusterError) -> Result {
        do {
            return try await work()
        } catch let error as KubernetesError {
            throw ClusterError(error)
        } catch let error as ClusterError {
            throw error
        } catch is CancellationError {
            throw ClusterError(.cancelled, "the request was cancelled")
        } catch {
            throw ClusterError(.unavailable, "an internal error occurred")
        }
    }

    /// As ``mappingClusterErrors(_:)``, for reads where a missing object is an answer.
    static func nilIfMissing<Result: Sendable>(
        _ work: () async throws -> Result
    ) async throws(ClusterError) -> Result? {
        try await mappingClusterErrors {
            do {
                return try await work()
            } catch let error as KubernetesError where error.meansObjectIsMissing {
                return nil
            }
        }
    }
}
