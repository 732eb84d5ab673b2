import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesModel

extension KubernetesError {
    /// Reads the response to a request that failed.
    ///
    /// - Parameters:
    ///   - head: The response's status code and header fields.
    ///   - body: Its body, usually a `Status`; components between client and server may send anything.
    ///   - resource: The plural of the requested resource.
    init(head: HTTPResponse, body: [UInt8], resource: String) {
        let status = try? JSONDecoder().decode(Status.self, from: Data(body))
        let code = head.status.code
        self.init(
            Kind(code: code, status: status, resource: resource),
            statusCode: code,
            status: status,
            retryAfter: head.headerFields.retryAfterDuration ?? Self.retryAfter(status)
        )
    }

    /// Reads the status in an `ERROR` frame of a watch.
    init(frame status: Status, resource: String) {
        let code = status.code ?? 500
        self.init(
            Kind(code: code, status: status, resource: resource),
            statusCode: code,
            status: status,
            retryAfter: Self.retryAfter(status)
        )
    }

    private static func retryAfter(_ status: Status?) -> Duration? {
        guard let seconds = status?.details?.retryAfterSeconds, seconds > 0 else { return nil }
        return min(.seconds(seconds), HTTPFields.maxRetryAfter)
    }
}

extension KubernetesError.Kind {
    /// Classifies a failure.
    ///
    /// - Parameters:
    ///   - code: The HTTP status code.
    ///   - status: The server's `Status`, if it sent one.
    ///   - resource: The plural of the requested resource.
    init(code: Int, status: Status?, resource: String) {
        if let status, let refusal = Self.admissionRefusal(code: code, status) {
            self = refusal
            return
        }
        self =
            switch code {
            case 401: .unauthorized
            case 403: .forbidden
            case 404: .notFound(Self.missing(status, resource))
            case 409: status?.reason == .alreadyExists ? .alreadyExists : .conflict
            case 410: .gone
            case 413: .tooLarge
            case 422: .invalid
            case 429: .tooManyRequests
            case 502, 503, 504: .unavailable
            case 500...: .serverError
            default: .rejected
            }
    }

    /// The admission plugin's message, or `nil` if there is none.
    ///
    /// A `Status` has no field for this, so its message is read. The server writes its own words before those of
    /// others, and an object's name has no space, so another cause cannot be imitated by a name or a message. A denied
    /// access has the same form, and continues with the user (`is forbidden: User "..." cannot ...`).
    private static func admissionRefusal(code: Int, _ status: Status) -> Self? {
        let message = status.message ?? ""
        if message.hasPrefix("admission webhook \""), message.contains("\" denied the request") {
            return .webhookDenied
        }
        switch code {
        case 500 where webhookFailures.contains { message.hasPrefix($0) }: return .webhookFailed
        case 403 where status.details?.causes?.contains { $0.reason == "NamespaceTerminating" } == true:
            return .namespaceTerminating
        case 400, 403, 422:
            guard let marker = message.firstRange(of: " is forbidden: ") else { return nil }
            let reason = message[marker.upperBound...]
            if reason.hasPrefix("User \"") { return nil }
            return quotaRefusals.contains { reason.hasPrefix($0) } ? .quotaExceeded : .policyDenied
        default: return nil
        }
    }

    /// The beginning of a `Status` if a webhook could not be called (Kubernetes 1.20 and later).
    private static let webhookFailures = [
        "Internal error occurred: failed calling webhook", "Internal error occurred: failed to call webhook",
        "failed calling webhook",
    ]
    /// The message of the admission plugin `ResourceQuota`.
    private static let quotaRefusals = [
        "exceeded quota: ", "status unknown for quota: ", "insufficient quota to match these scopes: ",
        "failed quota: ",
    ]

    /// Only a `Status` that names an object means that this object does not exist. A bare 404 comes from a path that
    /// the server does not serve, for example while a CRD is not installed.
    private static func missing(_ status: Status?, _ resource: String) -> Missing {
        guard let details = status?.details, let name = details.name, !name.isEmpty else { return .group }
        return details.kind == "namespaces" && resource != "namespaces" ? .namespace : .object
    }
}
