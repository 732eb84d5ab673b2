import DequeModule

extension ObjectStore {
    /// A change in the history.
    struct Record {
        let kind: ResourceKind
        let change: ObjectChange
    }

    /// A reader of changes.
    struct Watcher {
        let namespace: String?
        /// The version after which changes are delivered.
        let after: Int
        let buffer: ObjectChangeBuffer
    }

    /// The state that the store's lock protects.
    struct State {
        var revision = 1
        var tables: [ResourceKind: ObjectTable] = [:]
        var lastChanges: [ResourceKind: Int] = [:]
        /// The latest changes, oldest first.
        var history: Deque<Record> = []
        /// The oldest version from which the history is complete.
        var oldestRevision = 1
        var watchers: [ResourceKind: [Watcher]] = [:]
        /// The readers to wake when the lock is released.
        var woken: [ObjectChangeBuffer] = []
        /// The key of each existing object, by its UID.
        var references: [String: ObjectReference] = [:]
        /// The objects that have a UID in their owner references.
        var dependents: [String: Set<ObjectReference>] = [:]
        /// The objects whose owners, and the namespaces whose contents, must be checked.
        var garbage: Set<ObjectReference> = []
        /// The last two bytes of the address that was allocated last.
        var lastClusterIP = 0
        /// The allocated addresses of Services.
        var clusterIPs: Set<String> = []

        mutating func addWatcher(
            of kind: ResourceKind,
            _ namespace: String?,
            _ initial: [ObjectChange],
            _ capacity: Int,
            after: Int = 0,
            _ matching: @escaping @Sendable (JSONValue) -> Bool
        ) -> ObjectChanges {
            let buffer = ObjectChangeBuffer(initial: initial, capacity: capacity, matches: matching)
            watchers[kind, default: []].removeAll(where: \.buffer.isFinished)
            watchers[kind, default: []].append(Watcher(namespace: namespace, after: after, buffer: buffer))
            return ObjectChanges(buffer: buffer)
        }
    }

    /// Commits a change: sets the next version, stores the object, adds the change to the history and passes it to the
    /// watchers.
    ///
    /// - Parameters:
    ///   - object: The new state of the object, or its last state if `isDeletion` is true.
    ///   - previous: The state that it replaces.
    /// - Returns: The object with its new resourceVersion.
    @discardableResult
    func commit(
        _ kind: ResourceKind,
        _ object: JSONValue,
        replacing previous: JSONValue?,
        isDeletion: Bool = false,
        _ state: inout State
    ) -> JSONValue {
        state.revision += 1
        var object = object
        object["metadata", "resourceVersion"] = .string(String(state.revision))
        let key = ObjectKey(of: object)
        state.tables[kind, default: ObjectTable()][key] = isDeletion ? nil : object
        state.lastChanges[kind] = state.revision
        let action: ObjectChange.Action = isDeletion ? .deleted : previous == nil ? .added : .modified
        let change = ObjectChange(
            action: action,
            object: object,
            previous: previous,
            resourceVersion: state.revision
        )
        state.history.append(Record(kind: kind, change: change))
        while state.history.count > limits.history, let dropped = state.history.popFirst() {
            state.oldestRevision = dropped.change.resourceVersion
        }
        if kind == .services {
            if let address = previous?["spec", "clusterIP"]?.stringValue { state.clusterIPs.remove(address) }
            if !isDeletion, let address = object["spec", "clusterIP"]?.stringValue { state.clusterIPs.insert(address) }
        }
        trackOwners(of: ObjectReference(kind: kind, key: key), from: previous, to: isDeletion ? nil : object, &state)
        for watcher in state.watchers[kind] ?? [] where watcher.after < state.revision {
            guard watcher.namespace == nil || watcher.namespace == object.namespace else { continue }
            watcher.buffer.append(change)
            state.woken.append(watcher.buffer)
        }
        state.watchers[kind]?.removeAll(where: \.buffer.isFinished)
        return object
    }
}

extension ObjectKey {
    init(of object: JSONValue) {
        self.init(namespace: object.namespace, name: object.name)
    }
}
