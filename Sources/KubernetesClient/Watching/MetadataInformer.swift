public import KubernetesModel
import Synchronization

/// What an informer reports.
public enum InformerEvent: Sendable {
    /// All objects as of one moment: what is not in it does not exist.
    case replaced([PartialObjectMetadata])
    case applied(PartialObjectMetadata)
    /// The object was deleted, or does not match the selectors any more.
    case deleted(PartialObjectMetadata)
    /// The view may be stale from now on; it is repaired without being asked.
    case interrupted(KubernetesError)
    /// The watch goes on where it was interrupted, and nothing was missed.
    case resumed
}

/// Keeps a reader up to date about the metadata of a set of objects: list, watch, and list again when the watch's
/// version has become too old.
///
/// Nothing is buffered: the server waits, by flow control, for whoever handles the events.
public struct MetadataInformer: Sendable {
    private let client: KubernetesClient
    private let resource: APIResource
    private let namespace: String?
    private let query: ListQuery

    /// When the server is asked to end a watch. It is spread by a fifth, so that watches do not end together.
    private static let watchLifetime = Duration.seconds(290)
    private static let initialBackoff = Duration.milliseconds(200)
    private static let maxBackoff = Duration.seconds(20)

    /// Describes which objects to follow.
    public init(
        client: KubernetesClient,
        resource: APIResource,
        namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil
    ) {
        self.client = client
        self.resource = resource
        self.namespace = namespace
        query = ListQuery(labels: labelSelector, fields: fieldSelector)
    }

    /// Reports until the task is cancelled.
    ///
    /// - Parameter handle: Takes one event; the next one waits for it. What it throws ends the informer.
    /// - Throws: What `handle` threw, or `CancellationError`.
    public func run(_ handle: @escaping @Sendable (InformerEvent) async throws -> Void) async throws {
        var state = InformerState()
        var isInterrupted = false
        while true {
            try Task.checkCancellation()
            do {
                switch state.step {
                case .list:
                    let list = try await client.listMetadata(of: resource, in: namespace, query, .mostRecent)
                    try await handle(.replaced(list.items))
                    state.listed(version: list.metadata.resourceVersion)
                case .watch(let version):
                    let isResuming = isInterrupted
                    isInterrupted = false
                    try await watch(from: version, isResuming: isResuming, &state, handle)
                    state.ended()
                }
            } catch let error as KubernetesError where error.kind == .gone {
                state.gone()
            } catch let error as KubernetesError {
                if !isInterrupted { try await handle(.interrupted(error)) }
                isInterrupted = true
                state.failed()
                try await client.executor.clock.sleep(for: pause(after: state.failures))
            }
        }
    }

    /// Watches once. A watch that resumes delivers everything that was missed, so it is reported as soon as it stands.
    private func watch(
        from version: String,
        isResuming: Bool,
        _ state: inout InformerState,
        _ handle: @escaping @Sendable (InformerEvent) async throws -> Void
    ) async throws {
        let reached = Mutex(version)
        let lifetime = Self.watchLifetime * (0.8 + 0.2 * client.executor.randomness.unit())
        defer {
            let last = reached.withLock { $0 }
            if last != version { state.advanced(to: last) }
        }
        try await client.watchMetadata(
            of: resource, in: namespace, query, from: version, lifetime: lifetime,
            onOpen: { if isResuming { try await handle(.resumed) } }
        ) { event in
            let next: String?
            switch event {
            case .added(let object), .modified(let object):
                try await handle(.applied(object))
                next = object.metadata.resourceVersion
            case .deleted(let object):
                try await handle(.deleted(object))
                next = object.metadata.resourceVersion
            case .bookmark(let version):
                next = version
            case .error(let status):
                throw KubernetesError(frame: status, resource: resource.plural)
            }
            if let next { reached.withLock { $0 = next } }
        }
    }

    private func pause(after failures: Int) -> Duration {
        RetryPolicy.backoff(
            failures: failures, initial: Self.initialBackoff, max: Self.maxBackoff,
            jitter: client.executor.randomness.unit()
        )
    }
}
