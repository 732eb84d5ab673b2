internal import Basics
public import FoundationEssentials

/// A preview as read from the metadata of its HTTPRoute.
///
/// Reading is lenient: people edit annotations, and the platform's older service wrote fewer of them. A missing or
/// invalid value is nil, and the rules of a preview's life have a fallback for it.
public struct Preview: Hashable, Sendable {
    /// The preview's token.
    public var token: PreviewToken { facts.value.token }
    /// The run of the preview: from the annotation, or else the label; nil if there is neither.
    public var run: RunLabel? { facts.value.run }
    /// The run's ID, if the annotation has it and it matches the label.
    public var runID: RunID? { facts.value.runID }
    /// The UID of the run's claim.
    public var claimUID: String? { facts.value.claimUID?.text }
    /// The name of the run's claim, if it is not the usual one of the run's claim names.
    public var claimName: String? { facts.value.claimName }
    /// The user that owns the run.
    public var owner: String? { facts.value.owner }
    /// The name of the pod that the preview shows.
    public var podName: String? { facts.value.podName }
    /// The UID of that pod.
    public var podUID: String? { facts.value.podUID?.text }
    /// The port in the pod, 1 to 65535.
    public var targetPort: Int? { facts.value.targetPort.map(Int.init) }
    /// The host that the app receives: the public one, or `localhost`.
    public var hostHeader: HostHeader { facts.value.hostHeader }
    /// When the preview was started; `createdAt` if the annotation does not say.
    public var startedAt: Date { facts.value.startedAt }
    /// The expiry from the annotation; nil if it is missing or invalid.
    public var expiresAt: Date? { facts.value.expiresAt }
    /// The end in any case, from the annotation; nil if it is missing or invalid.
    public var maxUntil: Date? { facts.value.maxUntil }
    /// The object's `creationTimestamp`, whole seconds.
    public var createdAt: Date { facts.value.createdAt }
    /// The object's UID.
    public var uid: String { facts.value.uid.text }
    /// The object's resourceVersion when it was read.
    public var resourceVersion: String { facts.value.resourceVersion }
    /// Whether the object already has a `deletionTimestamp`.
    public var isBeingDeleted: Bool { facts.value.isBeingDeleted }
    /// The missing annotations of `PreviewAnnotations.Key`, except the token's.
    public var missingAnnotations: Set<String> { facts.value.missingAnnotations }
    /// The annotations with an invalid text.
    public var unusableAnnotations: Set<String> { facts.value.unusableAnnotations }

    /// The UID of the run's claim, as it is compared.
    package var compactClaimUID: CompactText? { facts.value.claimUID }
    /// The UID of the pod, as it is compared.
    package var compactPodUID: CompactText? { facts.value.podUID }

    private let facts: Shared<Facts>

    /// The stored form of a preview. Every replica has tens of thousands of them in more than one copy.
    private struct Facts: Hashable, Sendable {
        let token: PreviewToken
        let run: RunLabel?
        let runID: RunID?
        let claimUID: CompactText?
        let claimName: String?
        let owner: String?
        let podName: String?
        let podUID: CompactText?
        let startedAt: Date
        let expiresAt: Date?
        let maxUntil: Date?
        let createdAt: Date
        let uid: CompactText
        let resourceVersion: String
        let missingAnnotations: Set<String>
        let unusableAnnotations: Set<String>
        let targetPort: UInt16?
        let isBeingDeleted: Bool
        let hostHeader: HostHeader
    }

    /// Reads a preview.
    ///
    /// - Parameters:
    ///   - name: The object's name.
    ///   - labels: The object's labels.
    ///   - annotations: The object's annotations.
    ///   - uid: The object's UID.
    ///   - resourceVersion: The object's resourceVersion.
    ///   - createdAt: The object's `creationTimestamp`.
    ///   - isBeingDeleted: Whether the object has a `deletionTimestamp`.
    /// - Returns: nil if the object is not a preview of this service, see `previewToken(ofObjectNamed:labels:)`.
    public init?(
        name: String,
        labels: [String: String],
        annotations: [String: String],
        uid: String,
        resourceVersion: String,
        createdAt: Date,
        isBeingDeleted: Bool
    ) {
        guard let token = previewToken(ofObjectNamed: name, labels: labels) else { return nil }
        var reading = AnnotationReading(annotations)
        let run =
            reading.value(of: PreviewAnnotations.Key.run, RunLabel.init(existing:))
            ?? labels[PreviewLabel.run].flatMap(RunLabel.init(existing:))
        let runID = reading.value(of: PreviewAnnotations.Key.runID) { text in
            (try? RunID(text)).flatMap { $0.label == run ? $0 : nil }
        }
        let claimUID = reading.text(of: PreviewAnnotations.Key.claimUID).map(CompactText.init)
        let claimName = annotations[PreviewAnnotations.Key.claim].flatMap { name in
            runID?.claimNames.dropFirst().contains(name) == true ? name : nil
        }
        let owner = reading.text(of: PreviewAnnotations.Key.owner)
        let podName = reading.text(of: PreviewAnnotations.Key.pod)
        let podUID = reading.text(of: PreviewAnnotations.Key.podUID).map(CompactText.init)
        let targetPort = reading.value(of: PreviewAnnotations.Key.targetPort) { TargetPort(decimal: $0) }
        let startedAt = reading.value(of: PreviewAnnotations.Key.startedAt, RFC3339.date)
        let expiresAt = reading.value(of: PreviewAnnotations.Key.expiresAt, RFC3339.date)
        let maxUntil = reading.value(of: PreviewAnnotations.Key.maxUntil, RFC3339.date)
        facts = Shared(
            Facts(
                token: token,
                run: run,
                runID: runID,
                claimUID: claimUID,
                claimName: claimName,
                owner: owner,
                podName: podName,
                podUID: podUID,
                startedAt: startedAt ?? createdAt,
                expiresAt: expiresAt,
                maxUntil: maxUntil,
                createdAt: createdAt,
                uid: CompactText(uid),
                resourceVersion: resourceVersion,
                missingAnnotations: reading.missing,
                unusableAnnotations: reading.unusable,
                targetPort: targetPort.map { UInt16($0.number) },
                isBeingDeleted: isBeingDeleted,
                hostHeader: annotations[PreviewAnnotations.Key.hostHeader] == HostHeader.localhost.rawValue
                    ? .localhost : .preserve
            )
        )
    }

    /// Whether this is a preview of the run.
    ///
    /// The ID decides if the route has it: chosen IDs can have the same label. The platform's older service wrote only
    /// the label.
    public func belongs(to run: RunID) -> Bool { runID.map { $0 == run } ?? (self.run == run.label) }

    /// When the preview ends regardless of keepalives.
    ///
    /// The annotation, or `createdAt` plus the cap if it is missing or invalid, and never later than `createdAt` plus
    /// the cap: a mistake in the annotation must not make a public URL permanent. `createdAt` has whole seconds, so
    /// this can be up to a second before the instant that the start wrote; there is no tolerance, since the cap is an
    /// upper bound.
    public func effectiveMaxUntil(policy: LifetimePolicy) -> Date {
        let cap = createdAt + policy.maxLifetime
        return min(maxUntil ?? cap, cap)
    }

    /// When the preview expires unless it is kept alive.
    ///
    /// The annotation, or `createdAt` plus the idle time-out if it is missing or invalid.
    public func effectiveExpiresAt(policy: LifetimePolicy) -> Date {
        expiresAt ?? createdAt + policy.idleTimeout
    }

    /// The instant from which the preview is to be deleted, as idle or at the hard cap, whichever comes first.
    public func deadline(policy: LifetimePolicy) -> Date {
        min(effectiveExpiresAt(policy: policy), effectiveMaxUntil(policy: policy))
    }
}

/// Reads annotations, and records which ones are missing or invalid.
private struct AnnotationReading {
    private let annotations: [String: String]
    private(set) var missing: Set<String> = []
    private(set) var unusable: Set<String> = []

    init(_ annotations: [String: String]) {
        self.annotations = annotations
    }

    mutating func value<Value>(of key: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = annotations[key] else {
            missing.insert(key)
            return nil
        }
        guard let value = parse(text) else {
            unusable.insert(key)
            return nil
        }
        return value
    }

    mutating func text(of key: String) -> String? {
        value(of: key) { $0.isEmpty ? nil : $0 }
    }
}
