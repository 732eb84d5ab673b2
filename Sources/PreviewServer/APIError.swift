internal import HTTPTypes
internal import Hummingbird
internal import Logging
internal import PreviewControl
internal import PreviewIdentity
internal import Router

/// A response that is not a success: a status and one clear sentence.
struct APIError: Error, ResponseGenerator {
    let status: HTTPResponse.Status
    let message: String
    let headers: HTTPFields

    init(
        _ status: HTTPResponse.Status,
        _ message: String,
        retryAfter: Duration? = nil,
        headers: HTTPFields = [:]
    ) {
        self.status = status
        self.message = message
        var headers = headers
        if let retryAfter { headers[.retryAfter] = "\(retryAfter.wholeSecondsUp)" }
        self.headers = headers
    }

    /// The response to any error of a handler. An unexpected error is logged by its type only, since its text may
    /// contain a secret.
    init(_ error: any Error, context: PreviewRequestContext) {
        switch error {
        case let error as APIError:
            self = error
        case _ where Self.isCausedByCancellation(error):
            self =
                context.forwarding.hasBegun
                ? .forwardedRequestTimedOut : context.timeLimit.isOver ? .timedOut : .replicaIsShuttingDown
        case let error as PreviewError:
            self.init(error.kind.status, error.message, retryAfter: error.retryAfter)
        case let error as AccessDenied:
            self.init(error)
        case is IncompleteResponse:
            self = .forwardedResponseEndedEarly
        case let error as any HTTPResponseError:
            self.init(error.status, Self.message(for: error.status))
        default:
            context.logger.error("a request failed unexpectedly", metadata: ["type": "\(type(of: error))"])
            self.init(.serviceUnavailable, "An internal error occurred. Try again shortly.", retryAfter: .seconds(5))
        }
    }

    /// Whether a handler threw it because its task was cancelled: the caller disconnected, its time is over, or the
    /// replica shuts down.
    static func isCausedByCancellation(_ error: any Error) -> Bool {
        switch error {
        case is CancellationError: true
        case let error as PreviewError: error.kind == .cancelled
        case let error as AccessDenied: error.kind == .cancelled
        default: false
        }
    }

    /// The response to calls that wait when this replica shuts down: another replica can continue at once. The response
    /// may be sent before the connection is notified of the shutdown, so it says itself that it is the last one.
    static let replicaIsShuttingDown = APIError(
        .serviceUnavailable,
        "This replica is shutting down. Send the request again.",
        retryAfter: .zero,
        headers: [.connection: "close"]
    )

    /// The response to a request that exceeded its time limit.
    static let timedOut = APIError(
        .serviceUnavailable,
        "The request timed out, and its changes were undone. Try again shortly.",
        retryAfter: .seconds(5)
    )

    /// The response to a request that ended after it was forwarded to the core API, which takes nothing back.
    static let forwardedRequestTimedOut = APIError(
        .gatewayTimeout,
        """
        The request was forwarded to the core API and did not end in time. It may have been carried out: look at the \
        result before you send it again.
        """
    )

    /// The response to a request for which the core API's response was incomplete.
    static let forwardedResponseEndedEarly = APIError(
        .badGateway,
        """
        The core API's response ended early or was too long. The request may have been carried out: look at the result \
        before you send it again.
        """
    )

    /// A caller that cannot be identified needs credentials (RFC 9110, 11.6.1).
    init(_ error: AccessDenied) {
        self.init(
            error.kind.status,
            error.message,
            retryAfter: error.retryAfter,
            headers: error.kind == .unauthenticated ? [.wwwAuthenticate: "Bearer"] : [:]
        )
    }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        var body = try JSONBody(["error": message], status: status)
        body.headers = headers
        return try body.response(from: request, context: context)
    }

    private static func message(for status: HTTPResponse.Status) -> String {
        switch status {
        case .notFound: "There is no such route. See the list of routes in the API's description."
        case .contentTooLarge:
            "The body is too large: at most \(PreviewRequestContext.maxBodyBytes) bytes are accepted."
        case .badRequest: "The request is invalid."
        default: status.reasonPhrase
        }
    }
}

extension PreviewError.Kind {
    /// The contract's status for each kind.
    var status: HTTPResponse.Status {
        switch self {
        case .invalid: .badRequest
        case .forbidden, .approvalDenied, .approvalTimedOut: .forbidden
        case .previewNotFound, .runNotFound, .approvalNotFound: .notFound
        case .noSandbox, .disabled, .approvalWithdrawn, .approvalUsed, .noPendingApproval, .runOver: .conflict
        case .limitReached: .tooManyRequests
        case .clusterUnavailable, .clusterRefused, .cancelled, .braked: .serviceUnavailable
        }
    }
}

extension AccessDenied.Kind {
    fileprivate var status: HTTPResponse.Status {
        switch self {
        case .unauthenticated: .unauthorized
        case .forbidden: .forbidden
        case .runNotFound: .notFound
        case .unavailable, .cancelled: .serviceUnavailable
        }
    }
}

extension Duration {
    /// `Retry-After` counts whole seconds (RFC 9110, 10.2.3); waiting a little longer is safe, shorter is not.
    var wholeSecondsUp: Int64 {
        components.seconds + (components.attoseconds > 0 ? 1 : 0)
    }
}
