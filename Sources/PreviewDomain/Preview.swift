public import FoundationEssentials

/// One preview as it was read back from the metadata of its HTTPRoute.
///
/// The reading is lenient: people edit annotations, and the platform's earlier service wrote fewer of them. What is
/// missing or cannot be read is nil, and the rules of a preview's life have a fallback for it.
public struct Preview: Hashable, Sendable {
    /// The preview's token.
    public let token: PreviewToken
    /// The run that the preview belongs to: the annotation, or else the label; nil when neither says.
    public let run: RunLabel?
    /// The run's id, where the annotation says it and it agrees with the label.
    public let runID: RunID?
    /// The UID of the run's claim.
    public let claimUID: String?
    /// The user that owns the run.
    public let owner: String?
    /// The name of the pod that the preview shows.
    public let podName: String?
    /// The UID of that pod.
    public let podUID: String?
    /// The port in the pod, 1 to 65535.
    public let targetPort: Int?
    /// When the preview was started; `createdAt` when the annotation does not say.
    public let startedAt: Date
    /// When the annotation says that the preview expires; nil when it is missing or cannot be read.
    public let expiresAt: Date?
    /// When the annotation says that the preview ends in any case; nil when it is missing or cannot be read.
    public let maxUntil: Date?
    /// The object's `creationTimestamp`, whole seconds.
    public let createdAt: Date
    /// The object's UID.
    public let uid: String
    /// The object's resourceVersion when it was read.
    public let resourceVersion: String
    /// Whether the object already has a `deletionTimestamp`.
    public let isBeingDeleted: Bool
    /// Which annotations of `PreviewAnnotations.Key`, but the token's, the object does not have.
    public let missingAnnotations: Set<String>
    /// Which of them it has, with a text that cannot be used.
    public let unusableAnnotations: Set<String>

    /// Reads a preview back.
    ///
    /// - Parameters:
    ///   - name: The object's name.
    ///   - labels: The object's labels.
    ///   - annotations: The object's annotations.
    ///   - uid: The object's UID.
    ///   - resourceVersion: The object's resourceVersion.
    ///   - createdAt: The object's `creationTimestamp`.
    ///   - isBeingDeleted: Whether the object has a `deletionTimestamp`.
    /// - Returns: nil when the object is not ours, see `isOurs(name:labels:)`.
    public init?(
        name: String,
        labels: [String: String],
        annotations: [String: String],
        uid: String,
        resourceVersion: String,
        createdAt: Date,
        isBeingDeleted: Bool
    ) {
        guard let token = isOurs(name: name, labels: labels) else { return nil }
        var reading = AnnotationReading(annotations)
        self.token = token
        run =
            reading.value(of: PreviewAnnotations.Key.run, RunLabel.init(existing:))
            ?? labels[PreviewLabel.run].flatMap(RunLabel.init(existing:))
        let label = run
        runID = reading.value(of: PreviewAnnotations.Key.runID) { text in
            (try? RunID(text)).flatMap { $0.label == label ? $0 : nil }
        }
        claimUID = reading.text(of: PreviewAnnotations.Key.claimUID)
        owner = reading.text(of: PreviewAnnotations.Key.owner)
        podName = reading.text(of: PreviewAnnotations.Key.pod)
        podUID = reading.text(of: PreviewAnnotations.Key.podUID)
        targetPort = reading.value(of: PreviewAnnotations.Key.targetPort) { TargetPort(decimal: $0)?.number }
        startedAt = reading.value(of: PreviewAnnotations.Key.startedAt, RFC3339.date) ?? createdAt
        expiresAt = reading.value(of: PreviewAnnotations.Key.expiresAt, RFC3339.date)
        maxUntil = reading.value(of: PreviewAnnotations.Key.maxUntil, RFC3339.date)
        missingAnnotations = reading.missing
        unusableAnnotations = reading.unusable
        self.createdAt = createdAt
        self.uid = uid
        self.resourceVersion = resourceVersion
        self.isBeingDeleted = isBeingDeleted
    }

    /// When the preview ends whatever the keepalives say.
    ///
    /// The annotation, or `createdAt` plus the cap where it is missing or unreadable, and never later than `createdAt`
    /// plus the cap: a public URL must not become immortal by a typo. `createdAt` has whole seconds, so this can be up
    /// to a second before the instant that the start wrote; no tolerance is given, since the cap is an upper bound.
    public func effectiveMaxUntil(policy: LifetimePolicy) -> Date {
        let cap = createdAt + policy.maxLifetime
        return min(maxUntil ?? cap, cap)
    }

    /// When the preview expires unless it is kept alive.
    ///
    /// The annotation, or `createdAt` plus the idle time-out where it is missing or unreadable.
    public func effectiveExpiresAt(policy: LifetimePolicy) -> Date {
        expiresAt ?? createdAt + policy.idleTimeout
    }

    /// The instant from which the preview is to be deleted, by idling or by the hard cap, whichever comes first.
    public func deadline(policy: LifetimePolicy) -> Date {
        min(effectiveExpiresAt(policy: policy), effectiveMaxUntil(policy: policy))
    }
}

/// Reads annotations, and remembers which were not there or could not be used.
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
