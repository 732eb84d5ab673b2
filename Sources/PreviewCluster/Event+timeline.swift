internal import FoundationEssentials
internal import KubernetesModel
internal import OpenSSLKit
internal import PreviewControl
internal import PreviewDomain

extension Event {
    /// What all Events of the timeline carry, and Events of others on the same claim do not.
    static let timelineLabels = [
        PreviewLabel.partOf: PreviewLabel.partOfValue, PreviewLabel.managedBy: PreviewLabel.managedByValue,
    ]
    /// The annotation that holds the entry itself, for programs.
    static let entryAnnotation = "preview.agentweaver.dev/event"

    /// The longest message of an Event (Kubernetes `events.k8s.io`, `note`); the annotation holds all of a longer one.
    private static let maxMessageBytes = 1024
    /// How many hexadecimal digits of the digest are in the name.
    private static let nameDigits = 24

    /// - Parameter namespace: The claim's, which has to be the Event's too.
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
            // Without apiVersion, since claims have been served in several; kind and UID name the object.
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

    /// The same for everybody who reports the same occurrence, and nothing that any caller chose.
    private static func name(of event: TimelineEvent) -> String {
        let digest = Digest.sha256Hex(Array("\(event.claim.uid)\n\(event.occurrence)".utf8))
        return "\(event.claim.name).\(digest.prefix(nameDigits))"
    }
}

extension TimelineRecord {
    /// Reads an entry back; `nil` for Events of other kinds.
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

    /// Whether somebody may want to do something about it.
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
