/// The server's answer to a request that has no object to return, failures above all (`metav1.Status`).
public struct Status: Codable, Hashable, Sendable {
    /// `Success` or `Failure`.
    public var status: String?
    /// A sentence for people. It may name objects.
    public var message: String?
    public var reason: StatusReason?
    public var details: Details?
    /// The HTTP status code.
    public var code: Int?

    public init(
        status: String? = nil,
        message: String? = nil,
        reason: StatusReason? = nil,
        details: Details? = nil,
        code: Int? = nil
    ) {
        self.status = status
        self.message = message
        self.reason = reason
        self.details = details
        self.code = code
    }

    /// What the status is about.
    public struct Details: Codable, Hashable, Sendable {
        public var name: String?
        public var group: String?
        /// The plural of the resource, or the kind, as the server chooses.
        public var kind: String?
        public var uid: String?
        public var causes: [Cause]?
        /// How long to wait before the next attempt.
        public var retryAfterSeconds: Int?

        public init(
            name: String? = nil,
            group: String? = nil,
            kind: String? = nil,
            uid: String? = nil,
            causes: [Cause]? = nil,
            retryAfterSeconds: Int? = nil
        ) {
            self.name = name
            self.group = group
            self.kind = kind
            self.uid = uid
            self.causes = causes
            self.retryAfterSeconds = retryAfterSeconds
        }
    }

    /// One reason among possibly several.
    public struct Cause: Codable, Hashable, Sendable {
        public var reason: String?
        public var message: String?
        public var field: String?

        public init(reason: String? = nil, message: String? = nil, field: String? = nil) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }
}

/// The machine-readable reason of a ``Status`` (`metav1.StatusReason`). Unknown reasons keep their text.
public enum StatusReason: Hashable, Sendable, RawRepresentable {
    case unauthorized, forbidden, notFound, alreadyExists, conflict, gone, expired, invalid, serverTimeout, timeout
    case tooManyRequests, badRequest, methodNotAllowed, notAcceptable, requestEntityTooLarge, unsupportedMediaType
    case internalError, serviceUnavailable
    case other(String)

    private static let names: [(reason: StatusReason, name: String)] = [
        (.unauthorized, "Unauthorized"), (.forbidden, "Forbidden"), (.notFound, "NotFound"),
        (.alreadyExists, "AlreadyExists"), (.conflict, "Conflict"), (.gone, "Gone"), (.expired, "Expired"),
        (.invalid, "Invalid"), (.serverTimeout, "ServerTimeout"), (.timeout, "Timeout"),
        (.tooManyRequests, "TooManyRequests"), (.badRequest, "BadRequest"),
        (.methodNotAllowed, "MethodNotAllowed"), (.notAcceptable, "NotAcceptable"),
        (.requestEntityTooLarge, "RequestEntityTooLarge"), (.unsupportedMediaType, "UnsupportedMediaType"),
        (.internalError, "InternalError"), (.serviceUnavailable, "ServiceUnavailable"),
    ]

    public init(rawValue: String) {
        self = Self.names.first { $0.name == rawValue }?.reason ?? .other(rawValue)
    }

    public var rawValue: String {
        if case .other(let text) = self { return text }
        return Self.names.first { $0.reason == self }?.name ?? ""
    }
}

extension StatusReason: Codable {
    public init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
