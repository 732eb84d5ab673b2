internal import Basics
internal import PreviewControl
internal import PreviewDomain

/// A session as the platform's front end knows it, with the members that this service adds.
struct SessionBody: Encodable {
    private let sessionID: String
    private let localPort = 0
    private let targetPort: Int?
    private let podName: String?
    private let startedAt: String
    private let previewURL: String
    private let keepaliveURL: String
    private let expiresAt: String
    private let maxUntil: String
    private let ready: Bool
    private let readiness: String
    private let hostHeader: String
    private let appStatus: Int?
    private let detail: String?

    private enum CodingKeys: String, CodingKey {
        case sessionID = "session_id"
        case localPort = "local_port"
        case targetPort = "target_port"
        case podName = "pod_name"
        case startedAt = "started_at"
        case previewURL = "preview_url"
        case keepaliveURL = "keepalive_url"
        case expiresAt = "expires_at"
        case maxUntil = "max_until"
        case ready
        case readiness
        case hostHeader = "host_header"
        case appStatus = "app_status"
        case detail
    }

    init(_ session: PreviewSession, run: RunID, address: PreviewAddress) {
        sessionID = session.token.text
        targetPort = session.targetPort
        podName = session.podName
        startedAt = RFC3339.string(session.startedAt)
        previewURL = address.previewURL(session.token).value
        keepaliveURL = "/api/runs/\(run.text)/sandbox/preview/\(session.token.text)/keepalive"
        expiresAt = RFC3339.string(session.expiresAt)
        maxUntil = RFC3339.string(session.maxUntil)
        ready = session.readiness.isReady
        readiness = session.readiness.state.rawValue
        hostHeader = session.hostHeader.rawValue
        appStatus = session.readiness.appStatus
        detail = session.readiness.detail
    }
}
