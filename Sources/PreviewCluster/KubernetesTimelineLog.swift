public import KubernetesClient
internal import KubernetesModel
public import Logging
public import PreviewControl
internal import Synchronization

/// The timeline as Kubernetes Events on the runs' claims, where `kubectl describe sandboxclaim` shows it too.
///
/// Events are the API server's means for such records: they are in the claim's namespace, and expire after a configured
/// time (an hour by default).
public struct KubernetesTimelineLog: TimelineSink, TimelineLog {
    private let client: KubernetesClient
    private let namespace: String
    private let logger: Logger
    /// An outage interrupts every open stream.
    private let interruptions: SharedLogThrottle<String>

    /// The largest number of existing entries that a reader gets, the newest ones.
    static let maxReplayed = 500

    /// - Parameters:
    ///   - namespace: The namespace of the claims.
    ///   - time: The clock for the interval of repeated log messages.
    public init(
        client: KubernetesClient,
        namespace: String,
        time: MonotonicTime = MonotonicTime(ContinuousClock()),
        logger: Logger
    ) {
        self.client = client
        self.namespace = namespace
        self.logger = logger
        interruptions = SharedLogThrottle(time: time)
    }

    // MARK: Writing

    /// Creates the Event. Its name is derived from the occurrence, so that it exists once, regardless of the number of
    /// reports.
    public func write(_ entry: TimelineEntry) async throws(TimelineFailure) -> Bool {
        do throws(ClusterError) {
            return try await ClusterError.mappingClusterErrors {
                _ = try await client.createMetadata(of: Event(entry, in: namespace), in: namespace)
                return true
            }
        } catch {
            if error.kind == .alreadyExists { return false }
            throw TimelineFailure(
                isTemporary: error.isTemporary,
                error.detail,
                retryAfter: error.retryAfter
            )
        }
    }

    // MARK: Reading

    public func follow(
        _ claim: ClaimIdentity,
        after position: TimelinePosition?,
        _ handle: @escaping @Sendable (TimelineRecord) async throws -> Void
    ) async throws {
        let informer = MetadataInformer(
            client: client,
            resource: Event.resource,
            namespace: namespace,
            labelSelector: LabelSelector(matching: Event.timelineLabels),
            fieldSelector: FieldSelector("involvedObject.uid=\(claim.uid)")
        )
        let cursor = Mutex(TimelineCursor(after: position))
        try await informer.run { event in
            switch event {
            case .replaced(let objects):
                let records = objects.compactMap { TimelineRecord($0.metadata, on: claim) }
                for record in cursor.withLock({ $0.unread(of: records) }).suffix(Self.maxReplayed) {
                    try await handle(record)
                    cursor.withLock { $0.read(record) }
                }
            case .applied(let object):
                guard let record = TimelineRecord(object.metadata, on: claim) else { return }
                try await handle(record)
                cursor.withLock { $0.read(record) }
            case .interrupted(let error):
                guard let heldBack = interruptions.admit("interrupted") else { return }
                logger.warning(
                    "an event stream is interrupted",
                    metadata: ["error": "\(error)", "held_back": "\(heldBack)"]
                )
            case .deleted, .dropped, .resumed:
                break
            }
        }
    }
}

extension KubernetesTimelineLog {
    /// The position of a reader that follows all runs.
    public enum Notice: Sendable {
        case record(TimelineRecord)
        /// Later entries are delivered afterwards.
        case interrupted(String)
    }

    /// Delivers the entries of all runs, the oldest first, and then every new one, until the task is cancelled or `handle`
    /// throws. An entry's claim has no UID, which is not among an Event's metadata.
    ///
    /// - Parameter count: How many of the existing entries are delivered, the newest ones.
    public func followAllRuns(
        replaying count: Int,
        _ handle: @escaping @Sendable (Notice) async throws -> Void
    ) async throws {
        let informer = MetadataInformer(
            client: client,
            resource: Event.resource,
            namespace: namespace,
            labelSelector: LabelSelector(matching: Event.timelineLabels)
        )
        let cursor = Mutex(TimelineCursor(after: nil))
        let most = Mutex(min(count, Self.maxReplayed))
        try await informer.run { event in
            switch event {
            case .replaced(let objects):
                let records = objects.compactMap { TimelineRecord($0.metadata, on: Self.claim(of: $0.metadata)) }
                let unread = cursor.withLock { $0.unread(of: records) }
                for record in unread.suffix(most.withLock(\.self)) { try await handle(.record(record)) }
                if let last = unread.last { cursor.withLock { $0.read(last) } }
                // After an interruption all entries count as new.
                most.withLock { $0 = Self.maxReplayed }
            case .applied(let object):
                guard let record = TimelineRecord(object.metadata, on: Self.claim(of: object.metadata)) else { return }
                try await handle(.record(record))
                cursor.withLock { $0.read(record) }
            case .interrupted(let error): try await handle(.interrupted("\(error)"))
            case .deleted, .dropped, .resumed: break
            }
        }
    }

    /// An Event's name is its claim's, a dot and a digest.
    private static func claim(of metadata: ObjectMeta) -> ClaimIdentity {
        ClaimIdentity(name: metadata.name.split(separator: ".").dropLast().joined(separator: "."), uid: "")
    }
}

/// The position of a reader.
struct TimelineCursor: Sendable {
    private var position: TimelinePosition?

    init(after position: TimelinePosition?) {
        self.position = position
    }

    mutating func read(_ record: TimelineRecord) {
        position = record.position ?? position
    }

    /// The records that the reader has not read, the oldest first.
    func unread(of records: [TimelineRecord]) -> [TimelineRecord] {
        let sorted = records.sorted { left, right in
            switch (left.position, right.position) {
            case (let left?, let right?): left < right
            default: left.entry.time < right.entry.time
            }
        }
        // A position beyond all entries is from another log, for example of a cluster that was restored from a backup.
        // Repetitions do less harm than gaps.
        guard let position, let newest = sorted.compactMap(\.position).max(), newest >= position else { return sorted }
        return sorted.filter { record in record.position.map { $0 > position } ?? true }
    }
}
