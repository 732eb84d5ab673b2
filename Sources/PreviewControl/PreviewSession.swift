public import FoundationEssentials
public import PreviewDomain

/// A preview as its owner sees it. It holds the token and therefore must never be logged.
public struct PreviewSession: Sendable {
    public let token: PreviewToken
    public let targetPort: Int?
    public let podName: String?
    public let startedAt: Date
    public let expiresAt: Date
    public let maxUntil: Date
    public let readiness: Readiness

    public init(
        token: PreviewToken,
        targetPort: Int?,
        podName: String?,
        startedAt: Date,
        expiresAt: Date,
        maxUntil: Date,
        readiness: Readiness
    ) {
        self.token = token
        self.targetPort = targetPort
        self.podName = podName
        self.startedAt = startedAt
        self.expiresAt = expiresAt
        self.maxUntil = maxUntil
        self.readiness = readiness
    }

    init(_ preview: Preview, policy: LifetimePolicy, readiness: Readiness) {
        self.init(
            token: preview.token,
            targetPort: preview.targetPort,
            podName: preview.podName,
            startedAt: preview.startedAt,
            expiresAt: preview.deadline(policy: policy),
            maxUntil: preview.effectiveMaxUntil(policy: policy),
            readiness: readiness
        )
    }
}

/// Whether a preview's address works, and if it does not, why.
public struct Readiness: Hashable, Sendable {
    /// True when the gateway accepted the route and nothing is known to stand in the way of the app.
    public let isReady: Bool
    /// The HTTP status with which the app answered, where it was asked.
    public let appStatus: Int?
    /// What is wrong and what to do about it; `nil` when all is well.
    public let detail: String?

    public init(isReady: Bool, appStatus: Int? = nil, detail: String? = nil) {
        self.isReady = isReady
        self.appStatus = appStatus
        self.detail = detail
    }

    init(_ status: RouteStatus) {
        self.init(
            isReady: status.isAccepted,
            detail: status.isAccepted
                ? nil
                : status.complaint.map { "The gateway does not serve this preview: \($0)." }
                    ?? "The gateway has not accepted this preview yet."
        )
    }
}
