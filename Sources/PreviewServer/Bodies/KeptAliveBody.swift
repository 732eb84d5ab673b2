internal import PreviewControl
internal import PreviewDomain

/// The answer to a keepalive.
struct KeptAliveBody: Encodable {
    private let token: String
    private let keptAlive = true
    private let expiresAt: String
    private let maxUntil: String

    private enum CodingKeys: String, CodingKey {
        case token
        case keptAlive = "kept_alive"
        case expiresAt = "expires_at"
        case maxUntil = "max_until"
    }

    init(token: String, _ kept: KeptAlive) {
        self.token = token
        expiresAt = RFC3339.string(kept.expiresAt)
        maxUntil = RFC3339.string(kept.maxUntil)
    }
}

/// The answer to an explicit stop.
struct StoppedBody: Encodable {
    private let sessionID: String
    private let stopped = true

    private enum CodingKeys: String, CodingKey {
        case sessionID = "session_id"
        case stopped
    }

    init(sessionID: String) {
        self.sessionID = sessionID
    }
}
