public import KubernetesModel
import Synchronization

/// An event of an informer.
public enum InformerEvent<Object: Sendable>: Sendable {
    /// All objects: the previous state is void. This is the first event.
    case replaced([Object])
    /// The object was created or changed.
    case applied(Object)
    /// The object was deleted, or no longer matches the selector.
    case deleted(Object)
    /// The object of this name is not kept, whether it exists or not. The previous state under that name is void.
    case dropped(name: String)
    /// From now on the state may be stale.
    case interrupted(KubernetesError)
    /// The watch continues from where it stopped; missed changes follow.
    case resumed
}

/// Follows all objects that match a selector, or their metadata: list, watch, and both again when needed.
///
/// ``InformerMachine`` decides the steps; this type carries them out.
public struct Informer<Object: MetadataHolder>: Sendable {
    private let client: KubernetesClient
    private let query: ListQuery
    private let liveness = WatchLiveness()
    private let uptime: @Sendable () -> Duration

    private init(client: KubernetesClient, query: ListQuery) {
        self.client = client
        self.query = query
        uptime = client.executor.clock.stopwatch()
    }

    /// The kind of the objects.
    public var resource: APIResource { query.resource }

    /// The time since the last sign of the server: a list, a watch's beginning, an event or a bookmark. `nil` before
    /// the first list.
    public var silence: Duration? { liveness.lastActivity.map { uptime() - $0 } }

    /// Checks that all changes up to now are delivered.
    ///
    /// The watch is reopened from its last version, so that the server sends what was missed: one request.
    ///
    /// - Returns: False if the server does not do so within the time limit of one attempt, or the informer does not
    ///   run.
    public func isAlive() async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await liveness.requestReopen() }
            group.addTask {
                try? await client.executor.clock.sleep(for: client.limits.attemptTimeout)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    /// Follows the objects until the task is cancelled or `handle` throws.
    ///
    /// - Parameter handle: As in ``run(keeping:_:)``.
    public func run(_ handle: @Sendable (InformerEvent<Object>) async throws -> Void) async throws {
        try await run(keeping: { $0 }, handle)
    }

    /// Follows the objects until the task is cancelled or `handle` throws, and keeps only a part of each object.
    ///
    /// - Parameters:
    ///   - keep: Creates that part; `nil` if the object is not to be kept. For such an object, a change contains only
    /// its name, because it may have been kept before. A list is never in memory as a whole, only its parts are.
    ///   - handle: Gets the events one after the other. While it runs nothing more is read from the server, so nothing
    /// accumulates; if a handler takes minutes, the server ends the watch, which is restarted.
    /// - Throws: `CancellationError`, or the error of `handle`. Errors of the server never end it.
    public func run<Kept: Sendable>(
        keeping keep: @Sendable (Object) -> Kept?,
        _ handle: @Sendable (InformerEvent<Kept>) async throws -> Void
    ) async throws {
        let machine = Mutex(InformerMachine())
        liveness.begin()
        defer { liveness.end() }
        var step = InformerMachine.Step.list
        while true {
            try Task.checkCancellation()
            let next: InformerMachine.Next
            let elapsed = client.executor.clock.stopwatch()
            do {
                switch step {
                case .list:
                    step = try await list(machine, keep, handle)
                    continue
                case .watch(let version):
                    try await watch(version, machine, keep, handle)
                    let lifetime = elapsed()
                    // A watch that was reopened on request has not failed, even if it was short.
                    let worked = liveness.isReopenRequested ? max(lifetime, InformerMachine.minimumWatch) : lifetime
                    next = machine.withLock { $0.watchEnded(after: worked, jitter: jitter()) }
                }
            } catch let failure as HandlerFailure {
                throw failure.underlying
            } catch let error as KubernetesError {
                liveness.completeReopen(false)
                next = machine.withLock { $0.failed(error, after: elapsed(), jitter: jitter()) }
                if next.announcesInterruption { try await handle(.interrupted(error)) }
            }
            if next.pause > .zero { try await client.executor.clock.sleep(for: next.pause) }
            step = next.step
        }
    }

    private func list<Kept: Sendable>(
        _ machine: borrowing Mutex<InformerMachine>,
        _ keep: @Sendable (Object) -> Kept?,
        _ handle: @Sendable (InformerEvent<Kept>) async throws -> Void
    ) async throws -> InformerMachine.Step {
        let list = try await client.list(query, keeping: keep)
        try await deliver(.replaced(list.items), handle)
        liveness.recordActivity(at: uptime())
        liveness.completeReopen(true)
        return machine.withLock { $0.listed(list.metadata.resourceVersion) }
    }

    /// Watches until the server ends it.
    private func watch<Kept: Sendable>(
        _ version: String,
        _ machine: borrowing Mutex<InformerMachine>,
        _ keep: @Sendable (Object) -> Kept?,
        _ handle: @Sendable (InformerEvent<Kept>) async throws -> Void
    ) async throws {
        let lifetime = KubernetesClient.watchLifetime * (1 + (2 * jitter() - 1) * InformerMachine.lifetimeJitter)
        try await client.watch(query, version, lifetime, liveness: liveness) {
            liveness.recordActivity(at: uptime())
            liveness.completeReopen(true)
            if machine.withLock({ $0.opened() }) { try await deliver(.resumed, handle) }
        } _: { (event: WatchEvent<Object>) in
            liveness.recordActivity(at: uptime())
            switch event {
            case .added(let object), .modified(let object):
                try await deliver(
                    keep(object).map(InformerEvent.applied) ?? .dropped(name: object.metadata.name),
                    handle
                )
                machine.withLock { $0.received(object.metadata.resourceVersion) }
            case .deleted(let object):
                // Its last state need not match, though an earlier one did.
                try await deliver(
                    keep(object).map(InformerEvent.deleted) ?? .dropped(name: object.metadata.name),
                    handle
                )
                machine.withLock { $0.received(object.metadata.resourceVersion) }
            case .bookmark(let version):
                machine.withLock { $0.received(version) }
            case .error:
                // The client throws it instead of delivering it.
                break
            }
        }
    }

    private func deliver<Kept: Sendable>(
        _ event: InformerEvent<Kept>,
        _ handle: @Sendable (InformerEvent<Kept>) async throws -> Void
    ) async throws {
        do {
            try await handle(event)
        } catch {
            throw HandlerFailure(underlying: error)
        }
    }

    private func jitter() -> Double {
        client.executor.randomness.unit()
    }
}

extension Informer where Object: KubernetesObject {
    /// Describes whole objects to follow; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - client: The cluster.
    ///   - namespace: The namespace; `nil` for all.
    public init(client: KubernetesClient, namespace: String?) {
        self.init(
            client: client,
            query: ListQuery(resource: Object.resource, form: .whole, namespace: namespace)
        )
    }
}

/// Follows the metadata of objects of any kind.
public typealias MetadataInformer = Informer<PartialObjectMetadata>

extension MetadataInformer {
    /// Describes objects whose metadata to follow; nothing is sent yet.
    ///
    /// - Parameters:
    ///   - client: The cluster.
    ///   - resource: The kind of objects.
    ///   - namespace: The namespace; `nil` for all.
    ///   - labelSelector: Which objects, by label.
    ///   - fieldSelector: Which objects, by field.
    public init(
        client: KubernetesClient,
        resource: APIResource,
        namespace: String?,
        labelSelector: LabelSelector? = nil,
        fieldSelector: FieldSelector? = nil
    ) {
        let query = ListQuery(
            resource: resource,
            form: .metadata,
            namespace: namespace,
            labelSelector: labelSelector,
            fieldSelector: fieldSelector
        )
        self.init(client: client, query: query)
    }
}

/// Distinguishes the errors of a handler from those of the client.
private struct HandlerFailure: Error {
    let underlying: any Error
}
