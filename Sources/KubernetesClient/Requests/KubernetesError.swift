public import HTTPTransport
public import KubernetesModel

/// The reason why a request to the API server failed.
///
/// The description contains only the operation, the kind, the status code and the server's reason word: the server's
/// own message names objects, and an object's name can be a secret.
public struct KubernetesError: Error, Sendable {
    public let kind: Kind
    /// The verb and the resource's plural, for example `get httproutes`; `nil` outside a request.
    public internal(set) var operation: String?
    /// The HTTP status code, or the code of an `ERROR` frame in a watch.
    public let statusCode: Int?
    /// The wait that the server requests before the next attempt.
    public let retryAfter: Duration?
    /// One sentence about an error that this client detected. It never contains a secret or an object's content.
    public let explanation: String?
    /// The server's message. **Sensitive**: it can name objects and contain parts of them. Never log or return it.
    public let sensitiveStatus: Status?

    /// Creates an error that this client detected.
    public init(_ kind: Kind, _ explanation: String) {
        self.kind = kind
        self.explanation = explanation
        statusCode = nil
        retryAfter = nil
        sensitiveStatus = nil
    }

    /// Creates the error for a response of the server.
    public init(
        _ kind: Kind,
        statusCode: Int,
        status: Status? = nil,
        retryAfter: Duration? = nil
    ) {
        self.kind = kind
        self.statusCode = statusCode
        self.retryAfter = retryAfter
        explanation = nil
        sensitiveStatus = status
    }

    /// Wraps an error of the transport.
    public init(_ error: TransportError) {
        self.init(.transport(error.kind), error.message)
    }
}

extension KubernetesError {
    /// The kind of error, coarse enough to decide what to do.
    public enum Kind: Hashable, Sendable {
        /// 401: the credential is missing, wrong or expired.
        case unauthorized
        /// 403: this identity is not allowed to do this. Just after the server's start it is only temporary, and was
        /// retried.
        case forbidden
        /// 403 by the admission plugin `ResourceQuota`: the namespace has reached its quota.
        case quotaExceeded
        /// 500: a required admission webhook did not answer, or its response was unusable. Nothing was written.
        case webhookFailed
        /// An admission webhook refuses the request. The webhook chooses the status code, so it can be any.
        case webhookDenied
        /// 400, 403 or 422 by another admission plugin, for example a ValidatingAdmissionPolicy.
        case policyDenied
        /// 403 with the cause `NamespaceTerminating`: nothing can be created in a namespace that is being deleted.
        case namespaceTerminating
        /// 404.
        case notFound(Missing)
        /// 409 `AlreadyExists`: an object of that name already exists.
        case alreadyExists
        /// 409 `Conflict`: the object, or its version, is not the expected one.
        case conflict
        /// 410: the resourceVersion or the continue token is too old.
        case gone
        /// 422: validation failed, or a JSON Patch's `test` did, or its path does not exist. The server does not say
        /// which.
        case invalid
        /// 413: the body is larger than the server accepts.
        case tooLarge
        /// 429, or too many requests are waiting in this client.
        case tooManyRequests
        /// 502, 503, 504: the server or a component in front of it is not ready.
        case unavailable
        /// 500 and other 5xx.
        case serverError
        /// Any other refusal, or a request that this client refuses to send.
        case rejected
        /// There was no complete response.
        case transport(TransportError.Kind)
        /// The response does not conform to the API.
        case decoding
        /// The cluster's configuration or the credential is unusable.
        case configuration

        /// The missing part according to a 404.
        public enum Missing: String, Hashable, Sendable {
            /// The object; its namespace and kind exist.
            case object
            /// The namespace in which to create.
            case namespace
            /// The API group, version or resource: its CRD is not installed, or not yet served. This does not show
            /// whether objects exist.
            case group
        }
    }

    /// Whether the same request may succeed after a while.
    public var isTemporary: Bool {
        switch kind {
        case .tooManyRequests, .unavailable, .serverError, .webhookFailed: true
        case .transport(let kind):
            switch kind {
            case .connect, .tls, .refused, .timedOut, .protocolViolation: true
            case .cancelled, .bodyTooLarge, .invalidRequest: false
            }
        default: false
        }
    }

    /// Whether the server refused or failed a request that it should have carried out, so that an operator needs its
    /// message. An expected result, such as a missing object or a conflict, does not count.
    public var isRefusal: Bool {
        guard statusCode != nil, Kind.refusals.contains(kind) else { return false }
        // A JSON Patch whose test failed names neither an object nor a cause; a validation error does.
        return kind != .invalid
            || sensitiveStatus?.details?.name != nil || sensitiveStatus?.details?.causes?.isEmpty == false
    }

    /// Whether the requested object does not exist, while its kind does.
    public var meansObjectIsMissing: Bool { kind == .notFound(.object) }
}

extension KubernetesError.Kind {
    /// The kinds of refusals: ``KubernetesError/isRefusal``.
    public static let refusals: Set<Self> = [
        .unauthorized, .forbidden, .quotaExceeded, .webhookFailed, .webhookDenied, .policyDenied, .namespaceTerminating,
        .notFound(.namespace), .notFound(.group), .invalid, .tooLarge, .tooManyRequests, .unavailable, .serverError,
        .rejected,
    ]

    /// A short constant text for metrics.
    public var label: String {
        switch self {
        case .unauthorized: "unauthorized"
        case .forbidden: "forbidden"
        case .quotaExceeded: "quota_exceeded"
        case .webhookFailed: "webhook_failed"
        case .webhookDenied: "webhook_denied"
        case .policyDenied: "policy_denied"
        case .namespaceTerminating: "namespace_terminating"
        case .notFound(let missing): "not_found_\(missing.rawValue)"
        case .alreadyExists: "already_exists"
        case .conflict: "conflict"
        case .gone: "gone"
        case .invalid: "invalid"
        case .tooLarge: "too_large"
        case .tooManyRequests: "too_many_requests"
        case .unavailable: "unavailable"
        case .serverError: "server_error"
        case .rejected: "rejected"
        case .transport(let kind): "transport_\(kind.rawValue)"
        case .decoding: "decoding"
        case .configuration: "configuration"
        }
    }
}

extension KubernetesError: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String {
        var text = operation.map { "\($0): " } ?? ""
        text += kind.label
        if let statusCode { text += " (HTTP \(statusCode)" + (safeReason.map { ", \($0)" } ?? "") + ")" }
        if let explanation { text += ": \(explanation)" }
        return text
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }

    /// The server's reason if it is one of those that Kubernetes defines; other text could contain anything.
    private var safeReason: String? {
        guard let reason = sensitiveStatus?.reason, reason.isKnown else { return nil }
        return reason.rawValue
    }
}
