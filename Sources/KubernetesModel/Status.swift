/// The API server's response to a request that returns no object, above all an error (`metav1.Status`).
public struct Status: Codable, JSONReadable, Hashable {
    /// A description for people. It may contain names of objects.
    public var message: String?
    public var reason: StatusReason?
    public var details: Details?
    /// The HTTP status code.
    public var code: Int?

    public init(reason: StatusReason, code: Int) {
        self.reason = reason
        self.code = code
    }

    /// The object that the status is about, and the causes of an error.
    public struct Details: Codable, Hashable, Sendable {
        public var name: String?
        /// The plural of the resource, or the kind; the API server uses both.
        public var kind: String?
        public var causes: [Cause]?
        /// The number of seconds to wait before the next attempt.
        public var retryAfterSeconds: Int?

        public init(
            name: String? = nil,
            kind: String? = nil,
            causes: [Cause]? = nil,
            retryAfterSeconds: Int? = nil
        ) {
            self.name = name
            self.kind = kind
            self.causes = causes
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    /// One of the causes of an error.
    public struct Cause: Codable, Hashable, Sendable {
        public var reason: String?
    }
}

/// The machine-readable reason of a ``Status`` (`metav1.StatusReason`). Unknown reasons keep their text.
public struct StatusReason: RawRepresentable, Codable, Hashable, Sendable {
    public let rawValue: String

    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    public static let unauthorized = StatusReason(rawValue: "Unauthorized")
    public static let forbidden = StatusReason(rawValue: "Forbidden")
    public static let notFound = StatusReason(rawValue: "NotFound")
    public static let alreadyExists = StatusReason(rawValue: "AlreadyExists")
    public static let conflict = StatusReason(rawValue: "Conflict")
    public static let gone = StatusReason(rawValue: "Gone")
    public static let expired = StatusReason(rawValue: "Expired")
    public static let invalid = StatusReason(rawValue: "Invalid")
    public static let serverTimeout = StatusReason(rawValue: "ServerTimeout")
    public static let timeout = StatusReason(rawValue: "Timeout")
    public static let tooManyRequests = StatusReason(rawValue: "TooManyRequests")
    public static let badRequest = StatusReason(rawValue: "BadRequest")
    public static let methodNotAllowed = StatusReason(rawValue: "MethodNotAllowed")
    public static let notAcceptable = StatusReason(rawValue: "NotAcceptable")
    public static let requestEntityTooLarge = StatusReason(rawValue: "RequestEntityTooLarge")
    public static let unsupportedMediaType = StatusReason(rawValue: "UnsupportedMediaType")
    public static let internalError = StatusReason(rawValue: "InternalError")
    public static let serviceUnavailable = StatusReason(rawValue: "ServiceUnavailable")

    /// Whether this is one of Kubernetes' reasons. The text of an unknown reason can be anything, so it must not be a label of
    /// metrics.
    public var isKnown: Bool { Self.known.contains(self) }

    private static let known: Set<StatusReason> = [
        .unauthorized, .forbidden, .notFound, .alreadyExists, .conflict, .gone, .expired, .invalid, .serverTimeout,
        .timeout, .tooManyRequests, .badRequest, .methodNotAllowed, .notAcceptable, .requestEntityTooLarge,
        .unsupportedMediaType, .internalError, .serviceUnavailable,
    ]
}
