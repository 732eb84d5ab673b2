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
