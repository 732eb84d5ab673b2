import DequeModule
package import FoundationEssentials
import Synchronization

/// The objects of the development cluster. It replaces etcd and the write path of kube-apiserver.
///
/// All writes, from this process and by HTTP, have the same steps: defaults, validation, resourceVersion, generation, history,
/// watchers.
package final class ObjectStore: Sendable {
    /// The limits of the store.
    package struct Limits: Sendable {
        /// The number of changes that are kept for watches and lists from an older version. Older versions are expired (410).
        package var history = 4096
        /// The number of changes that are buffered for a watcher before it is cut off, in addition to its initial objects.
        package var watchBuffer = 1024

        package init() {}
    }

    /// The kinds that are stored, with the versions that are currently served.
    package var kinds: [ResourceKind] { served.withLock(\.self) }
    package let limits: Limits
    let now: @Sendable () -> Date
    private let served: Mutex<[ResourceKind]>
    private let state: Mutex<State>
    /// Yields when there may be garbage, for ``runGarbageCollection()``.
    private let garbageSignals: AsyncStream<Void>
    private let garbageSignal: AsyncStream<Void>.Continuation

    /// Creates a store that contains only the initial namespaces of a cluster.
    ///
    /// - Parameters:
    ///   - kinds: The kinds to store.
    ///   - limits: The limits of the history and of buffers.
    ///   - now: The clock for timestamps such as `creationTimestamp`.
    package init(
        kinds: [ResourceKind] = ResourceKind.all,
        limits: Limits = Limits(),
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        served = Mutex(kinds)
        self.limits = limits
        self.now = now
        state = Mutex(State())
        (garbageSignals, garbageSignal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            state.withLock { state in
                let object = newObject(.namespaces, namespace: nil, name: name, ["metadata": ["name": .string(name)]])
                commit(.namespaces, object, replacing: nil, &state)
            }
        }
    }

    /// The resourceVersion of the latest change.
    package var resourceVersion: Int { state.withLock(\.revision) }

    // MARK: Reading

    /// The object; `nil` if it does not exist.
    package func get(_ kind: ResourceKind, namespace: String?, name: String) -> JSONValue? {
        state.withLock { $0.tables[kind]?[ObjectKey(namespace: namespace, name: name)] }
    }

    /// The objects of a kind, sorted by namespace and name.
    ///
    /// - Parameter namespace: The namespace; `nil` for all.
    /// - Returns: The objects, and the resourceVersion of the list.
    package func list(_ kind: ResourceKind, namespace: String? = nil) -> (items: [JSONValue], resourceVersion: Int) {
        state.withLock { state in
            (state.tables[kind]?.items(in: namespace).map(\.object) ?? [], state.revision)
        }
    }

    /// The objects of a kind as they were at an earlier version.
    ///
    /// - Throws: ``StatusFailure`` with code 410 if the version is older than the history.
    func list(
        _ kind: ResourceKind,
        namespace: String?,
        at revision: Int
    ) throws -> [(key: ObjectKey, object: JSONValue)] {
        try state.withLock { state in
            guard revision >= state.oldestRevision else {
                throw StatusFailure.expired(
                    "The provided continue parameter is too old to display a consistent list result."
                )
            }
            var table = state.tables[kind] ?? ObjectTable()
            for record in state.history.reversed() where record.change.resourceVersion > revision {
                guard record.kind == kind else { continue }
                table[ObjectKey(of: record.change.object)] =
                    record.change.action == .added ? nil : record.change.previous
            }
            return table.items(in: namespace)
        }
    }

    /// The objects of a kind as `.added`, followed by all changes.
    ///
    /// - Parameter namespace: The namespace; `nil` for all.
    /// - Returns: The changes for one reader. The sequence ends if the reader falls too far behind.
    package func changes(of kind: ResourceKind, namespace: String? = nil) -> ObjectChanges {
        changes(of: kind, namespace: namespace) { _ in true }
    }

    /// The matching objects as `.added`, followed by all changes.
    func changes(
        of kind: ResourceKind,
        namespace: String?,
        matching: @escaping @Sendable (JSONValue) -> Bool
    ) -> ObjectChanges {
        state.withLock { state in
            let initial = (state.tables[kind]?.items(in: namespace) ?? []).filter { matching($0.object) }.map { item in
                ObjectChange(
                    action: .added,
                    object: item.object,
                    previous: nil,
                    resourceVersion: Int(item.object.resourceVersion) ?? 0
                )
            }
            return state.addWatcher(of: kind, namespace, initial, limits.watchBuffer, matching)
        }
    }

    /// All changes after a version.
    ///
    /// - Throws: ``StatusFailure`` with code 410 if the version is older than the history.
    func changes(
        of kind: ResourceKind,
        namespace: String?,
        after revision: Int,
        matching: @escaping @Sendable (JSONValue) -> Bool
    ) throws -> ObjectChanges {
        try state.withLock { state in
            guard revision >= state.oldestRevision else {
                throw StatusFailure.expired("too old resource version: \(revision) (\(state.oldestRevision))")
            }
            let missed = state.history.filter { $0.change.resourceVersion > revision && $0.kind == kind }
                .compactMap { record in
                    namespace == nil || record.change.object.namespace == namespace
                        ? record.change.filtered(by: matching) : nil
                }
            // Changes up to `revision` are not delivered, even if that version has not been reached yet.
            return state.addWatcher(of: kind, namespace, missed, limits.watchBuffer, after: revision, matching)
        }
    }

    /// The number of open watches of a kind.
    package func watchCount(of kind: ResourceKind) -> Int {
        state.withLock { ($0.watchers[kind] ?? []).count { !$0.buffer.isFinished } }
    }

    /// The resourceVersion of the last change of a kind, which bookmarks contain.
    func lastChange(of kind: ResourceKind) -> Int {
        state.withLock { $0.lastChanges[kind] ?? $0.revision }
    }

    /// Serves a kind in other versions from now on, as after a change of its CustomResourceDefinition. Its watches end; its
    /// objects are kept.
    package func serve(_ kind: ResourceKind) {
        served.withLock { kinds in
            if let index = kinds.firstIndex(of: kind) { kinds[index] = kind }
        }
        let buffers = state.withLock { ($0.watchers[kind] ?? []).map(\.buffer) }
        for buffer in buffers { buffer.finish() }
    }

    // MARK: Writing

    /// Changes the state, and wakes the watchers of the changes after the lock was released.
    func withState<Result>(_ body: (inout State) throws -> sending Result) throws -> sending Result {
        defer { wakeWatchers() }
        return try state.withLock { state in try body(&state) }
    }

    private func wakeWatchers() {
        let (buffers, hasGarbage) = state.withLock { state in
            defer { state.woken.removeAll() }
            return (state.woken, !state.garbage.isEmpty)
        }
        for buffer in buffers { buffer.signal() }
        if hasGarbage { garbageSignal.yield() }
    }

    /// Collects garbage whenever there is some, until the task is cancelled. There must be only one caller at a time.
    package func runGarbageCollection() async {
        for await _ in garbageSignals { collectGarbage() }
    }
}
