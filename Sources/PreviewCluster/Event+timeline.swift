internal import FoundationEssentials
internal import KubernetesModel
internal import OpenSSLKit
internal import PreviewControl
internal import PreviewDomain

extension Event {
    /// The common label of all Events of the timeline, which other Events on the same claim do not have.
    static let timelineLabels = [
        PreviewLabel.partOf: PreviewLabel.partOfValue, PreviewLabel.managedBy: PreviewLabel.managedByValue,
    ]
    /// The annotation that contains the entry, for programs.
    static let entryAnnotation = "preview.agentweaver.dev/event"

    /// The longest message of an Event (Kubernetes `events.k8s.io`, `note`); the annotation contains a longer one
    /// completely.
    private static let maxMessageBytes = 1024
    /// The number of hexadecimal digits of the digest in the name.
    private static let nameDigits = 24

    /// - Parameter namespace: The namespace of the claim, which must be that of the Event.
    init(_ entry: TimelineEntry, in namespace: String) throws(ClusterError) {
        let event = entry.event
        let json: [UInt8]
        do { json = try entry.json() } catch {
            throw ClusterError(.rejected, "the event cannot be written as JSON")
        }
        self.init(
            metadata: ObjectMeta(
                name: Self.name(of: event),
                namespace: namespace,
                labels: Self.timelineLabels,
                annotations: [Self.entryAnnotation: String(decoding: json, as: UTF8.self)]
            ),
            // Without apiVersion, since claims have been served in several versions; kind and UID identify the object.
            involvedObject: ObjectReference(
                kind: SandboxClaim.resource.kind,
                namespace: namespace,
                name: event.claim.name,
                uid: event.claim.uid
            ),
            reason: event.kind.reason,
            message: event.message.prefix(bytes: Self.maxMessageBytes),
            type: event.kind.isWarning ? "Warning" : "Normal",
            count: 1,
            firstTimestamp: entry.time,
            lastTimestamp: entry.time,
            source: Source(component: PreviewLabel.managedByValue),
            reportingComponent: PreviewLabel.managedByValue
        )
    }

    /// Equal for all reports of the same occurrence, and independent of text from callers.
    private static func name(of event: TimelineEvent) -> String {
        let digest = Digest.sha256Hex(Array("\(event.claim.uid)\n\(event.occurrence)".utf8))
        return "\(event.claim.name).\(digest.prefix(nameDigits))"
    }
}

extension TimelineRecord {
    /// Reads an entry; `nil` for other Events.
    init?(_ metadata: ObjectMeta, on claim: ClaimIdentity) {
        guard let json = metadata.annotations[Event.entryAnnotation],
            let entry = TimelineEntry(json: json.utf8, on: claim)
        else { return nil }
        self.init(entry: entry, position: metadata.resourceVersion.flatMap { TimelinePosition($0) })
    }
}

extension TimelineEvent.Kind {
    /// The Event's reason, a word in CamelCase (Kubernetes API conventions, "Events").
    fileprivate var reason: String {
        switch self {
        case .approvalRequired: "PreviewApprovalRequired"
        case .autoApproved: "PreviewAutoApproved"
        case .approved: "PreviewApproved"
        case .denied: "PreviewDenied"
        case .timedOut: "PreviewApprovalTimedOut"
        case .withdrawn: "PreviewApprovalWithdrawn"
        case .started: "PreviewStarted"
        case .ready: "PreviewReady"
        case .expiring: "PreviewExpiring"
        case .stopped: "PreviewStopped"
        case .reaped: "PreviewReaped"
        }
    }

    /// Whether a user may want to act on it.
    fileprivate var isWarning: Bool {
        switch self {
        case .timedOut, .withdrawn, .expiring: true
        default: false
        }
    }
}

extension String {
    /// As many whole characters from the beginning as fit in `limit` bytes of UTF-8.
    fileprivate func prefix(bytes limit: Int) -> String {
        var end = startIndex
        var count = 0
        while end < endIndex {
            count += self[end].utf8.count
            guard count <= limit else { break }
            end = index(after: end)
        }
        return String(self[..<end])
    }
}
