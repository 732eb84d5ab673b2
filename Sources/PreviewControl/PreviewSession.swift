public import FoundationEssentials
public import PreviewDomain

/// A preview as its owner sees it. It contains the token, so it must never be logged.
public struct PreviewSession: Sendable {
    public let token: PreviewToken
    public let targetPort: Int?
    public let podName: String?
    public let startedAt: Date
    public let expiresAt: Date
    public let maxUntil: Date
    public let readiness: Readiness
    /// The host that the app receives: the public one, or `localhost`.
    public let hostHeader: HostHeader

    public init(
        token: PreviewToken,
        targetPort: Int?,
        podName: String?,
        startedAt: Date,
        expiresAt: Date,
        maxUntil: Date,
        readiness: Readiness,
        hostHeader: HostHeader = .preserve
    ) {
        self.token = token
        self.targetPort = targetPort
        self.podName = podName
        self.startedAt = startedAt
        self.expiresAt = expiresAt
        self.maxUntil = maxUntil
        self.readiness = readiness
        self.hostHeader = hostHeader
    }

    init(_ preview: Preview, policy: LifetimePolicy, readiness: Readiness) {
        self.init(
            token: preview.token,
            targetPort: preview.targetPort,
            podName: preview.podName,
            startedAt: preview.startedAt,
            expiresAt: preview.deadline(policy: policy),
            maxUntil: preview.effectiveMaxUntil(policy: policy),
            readiness: readiness,
            hostHeader: preview.hostHeader
        )
    }
}
