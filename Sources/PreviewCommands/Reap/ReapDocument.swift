internal import Basics
internal import FoundationEssentials
internal import PreviewControl
internal import PreviewDomain
internal import YAMLKit

/// A report as JSON for programs. The members' names are stable; a member without a value is left out.
struct ReapDocument: Encodable, Sendable {
    /// The API server's time by which age was judged; left out where it was not known.
    let clusterTime: ClusterTime?
    /// Whether the reaper is switched on.
    let enabled: Bool
    /// Whether nothing was to be deleted.
    let dryRun: Bool
    /// Whether nothing was to be reaped for idleness.
    let sparesIdle: Bool
    /// For how long a replica reaps nothing for idleness after it could not record keepalives, which this cannot know of.
    let outageGraceSeconds: Double
    let items: [ReapDocumentItem]

    struct ClusterTime: Encodable, Sendable {
        let earliest: String
        let latest: String
        let uncertaintySeconds: Double
    }

    /// - Parameters:
    ///   - entries: What of the report is to be told; all of it if `nil`.
    ///   - outcomes: What became of what was due; `nil` where nothing was to be deleted.
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

/// One preview, or a Service that is left of one, in a ``ReapDocument``.
struct ReapDocumentItem: Encodable, Sendable {
    /// Something that the preview lives with.
    struct Companion: Encodable, Sendable {
        let name: String?
        let uid: String?
        let presence: String
    }

    /// An instant that an annotation says.
    struct Instant: Encodable, Sendable {
        /// What the annotation says; left out where it is missing or cannot be used.
        let annotation: String?
        /// What counts.
        let effective: String
    }

    struct Keepalive: Encodable, Sendable {
        /// What a keepalive would do: `extends`, `nothing_to_do` or `refused`.
        let effect: String
        let expiresAt: String?
    }

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
    /// Why it is reaped, or will be unless something changes.
    let reason: String?
    /// Since when it is due, or when it will be.
    let dueAt: String?
    let keepalive: Keepalive?
    let result: Result?

    init(_ entry: ReapEntry, policy: LifetimePolicy, outcome: ReapOutcome?) {
        fingerprint = entry.token.fingerprint
        run = entry.run
        createdAt = RFC3339.string(entry.createdAt)
        decision = entry.verdict.label
        (reason, dueAt) =
            switch entry.verdict {
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
