internal import Basics
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain
internal import YAMLKit

/// A report as a JSON or YAML document. The names of its members do not change; a member without a value is omitted.
struct ReapDocument: Encodable, Sendable {
    /// The API server's time by which ages were evaluated; omitted if it is unknown.
    let clusterTime: ClusterTime?
    /// Whether the reaper is enabled in the settings.
    let enabled: Bool
    /// Whether the command deleted nothing: in a dry run, or because the reaper is disabled.
    let dryRun: Bool
    /// Whether idle previews were kept.
    let sparesIdle: Bool
    /// The time, in seconds, for which a replica keeps idle previews after it could not record keepalives. The command does not
    /// know whether a replica is in such a period.
    let outageGraceSeconds: Double
    let items: [ReapDocumentItem]

    /// The interval that contains the API server's time.
    struct ClusterTime: Encodable, Sendable {
        let earliest: String
        let latest: String
        let uncertaintySeconds: Double
    }

    /// - Parameters:
    ///   - entries: The entries to include; all of the report's if `nil`.
    ///   - outcomes: The outcome of each deletion; `nil` if nothing was to be deleted.
    init(
        _ report: ReapReport,
        entries: [ReapEntry]? = nil,
        outcomes: [PreviewToken: ReapOutcome]? = nil
    ) {
        clusterTime = report.time.map { time in
            ClusterTime(
                earliest: RFC3339.string(time.earliest),
                latest: RFC3339.string(time.latest),
                uncertaintySeconds: time.uncertainty
            )
        }
        enabled = report.policy.isEnabled
        dryRun = outcomes == nil
        sparesIdle = report.sparesIdle
        outageGraceSeconds = report.policy.outageGrace / .seconds(1)
        items = (entries ?? report.entries).map { entry in
            ReapDocumentItem(entry, policy: report.policy.lifetime, outcome: outcomes?[entry.token])
        }
    }

    func json() throws -> String { String(decoding: try data(), as: UTF8.self) }

    func yaml() throws -> String { try YAMLNode.document(in: try data())?.yaml ?? "" }

    private func data() throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }
}

/// One preview, or a Service whose HTTPRoute no longer exists, in a ``ReapDocument``.
struct ReapDocumentItem: Encodable, Sendable {
    /// An object on which the preview depends: its pod or its claim.
    struct Companion: Encodable, Sendable {
        let name: String?
        let uid: String?
        let presence: String
    }

    /// A time stored in an annotation.
    struct Instant: Encodable, Sendable {
        /// The annotation's value; omitted if it is missing or invalid.
        let annotation: String?
        /// The time that the reaper uses.
        let effective: String
    }

    /// The result of a keepalive, if there was one now.
    struct Keepalive: Encodable, Sendable {
        /// The effect of a keepalive at this time: `extends`, `nothing_to_do` or `refused`.
        let effect: String
        let expiresAt: String?
    }

    /// The outcome of a deletion.
    struct Result: Encodable, Sendable {
        /// `reaped`, `already_gone`, `averted` or `failed`.
        let outcome: String
        let reason: String?
        let error: String?
    }

    let fingerprint: String
    /// `preview`, or `service` for a Service without an HTTPRoute.
    let kind: String
    let run: String?
    let owner: String?
    let targetPort: Int?
    let createdAt: String
    let expiresAt: Instant?
    let maxUntil: Instant?
    let missingAnnotations: [String]?
    let unusableAnnotations: [String]?
    let pod: Companion?
    let claim: Companion?
    /// `present`, `missing` or `being_deleted`.
    let service: String
    /// `keep`, `reap` or `leave`.
    let decision: String
    /// The reason for the deletion, or for the next one if nothing changes.
    let reason: String?
    /// The time since which the preview is due, or at which it will be due.
    let dueAt: String?
    let keepalive: Keepalive?
    let result: Result?

    init(_ entry: ReapEntry, policy: LifetimePolicy, outcome: ReapOutcome?) {
        fingerprint = entry.token.fingerprint
        run = entry.run
        createdAt = RFC3339.string(entry.createdAt)
        decision = entry.decision.label
        (reason, dueAt) =
            switch entry.decision {
            case .keep(let until, let reason): (reason.rawValue, RFC3339.string(until))
            case .reap(let reason, let since): (reason.rawValue, since.map(RFC3339.string))
            case .leave: (nil, nil)
            }
        keepalive = entry.keepalive.map(Keepalive.init)
        result = outcome.map(Result.init)
        service = entry.service.rawValue
        guard case .preview(let preview, _) = entry.subject else {
            kind = "service"
            (owner, targetPort, expiresAt, maxUntil) = (nil, nil, nil, nil)
            (missingAnnotations, unusableAnnotations, pod, claim) = (nil, nil, nil, nil)
            return
        }
        kind = "preview"
        owner = preview.owner
        targetPort = preview.targetPort
        expiresAt = Instant(preview.expiresAt, effective: preview.effectiveExpiresAt(policy: policy))
        maxUntil = Instant(preview.maxUntil, effective: preview.effectiveMaxUntil(policy: policy))
        missingAnnotations = preview.missingAnnotations.sorted()
        unusableAnnotations = preview.unusableAnnotations.sorted()
        pod = Companion(name: preview.podName, uid: preview.podUID, presence: entry.pod.rawValue)
        claim = Companion(
            name: preview.claimName ?? preview.runID?.claimName,
            uid: preview.claimUID,
            presence: entry.claim.rawValue
        )
    }
}

extension ReapDocumentItem.Instant {
    fileprivate init(_ annotation: Date?, effective: Date) {
        self.init(annotation: annotation.map(RFC3339.string), effective: RFC3339.string(effective))
    }
}

extension ReapDocumentItem.Keepalive {
    fileprivate init(_ decision: KeepaliveDecision) {
        switch decision {
        case .expired: self.init(effect: "refused", expiresAt: nil)
        case .alreadyAlive(let expiry): self.init(effect: "nothing_to_do", expiresAt: RFC3339.string(expiry))
        case .extend(let expiry): self.init(effect: "extends", expiresAt: RFC3339.string(expiry))
        }
    }
}

extension ReapDocumentItem.Result {
    fileprivate init(_ outcome: ReapOutcome) {
        switch outcome {
        case .reaped(let reason): self.init(outcome: "reaped", reason: reason.rawValue, error: nil)
        case .alreadyGone: self.init(outcome: "already_gone", reason: nil, error: nil)
        case .averted: self.init(outcome: "averted", reason: nil, error: nil)
        case .failed(let error): self.init(outcome: "failed", reason: nil, error: error.detail)
        }
    }
}
