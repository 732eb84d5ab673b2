extension ObjectStore {
    /// Updates the index of owners, and records the objects that a change leaves without an owner.
    func trackOwners(
        of reference: ObjectReference,
        from old: JSONValue?,
        to new: JSONValue?,
        _ state: inout State
    ) {
        let oldOwners = Set(old?.ownerReferences.compactMap { $0["uid"]?.stringValue } ?? [])
        let newOwners = Set(new?.ownerReferences.compactMap { $0["uid"]?.stringValue } ?? [])
        for owner in oldOwners.subtracting(newOwners) {
            state.dependents[owner]?.remove(reference)
            if state.dependents[owner]?.isEmpty == true { state.dependents[owner] = nil }
        }
        for owner in newOwners.subtracting(oldOwners) { state.dependents[owner, default: []].insert(reference) }
        if let new {
            state.references[new.uid] = reference
            let hasLostOwners = !new.ownerReferences.allSatisfy { Self.isAlive($0, for: reference, state) }
            if hasLostOwners || new.isTerminating { state.garbage.insert(reference) }
        } else if let old {
            state.references[old.uid] = nil
            state.garbage.formUnion(state.dependents[old.uid] ?? [])
            // An owner that is being deleted in the foreground may have waited for this object.
            state.garbage.formUnion(oldOwners.compactMap { state.references[$0] })
            let namespace = ObjectReference(
                kind: .namespaces,
                key: ObjectKey(namespace: nil, name: old.namespace ?? "")
            )
            if state.tables[.namespaces]?[namespace.key]?.isTerminating == true { state.garbage.insert(namespace) }
        }
    }

    /// Deletes the objects that have lost their owners or their namespace, until there are none left.
    package func collectGarbage() {
        while (try? withState { state in collect(&state) }) == true {}
    }

    /// Processes the objects recorded so far.
    ///
    /// - Returns: False if there were none.
    private func collect(_ state: inout State) -> Bool {
        let candidates = state.garbage
        state.garbage.removeAll()
        for reference in candidates.sorted(by: { $0.key < $1.key }) {
            guard let object = state.tables[reference.kind]?[reference.key] else { continue }
            if object.isTerminating {
                finish(reference, object, &state)
            } else {
                releaseFromLostOwners(reference, object, &state)
            }
        }
        return !candidates.isEmpty
    }

    /// Whether an owner reference refers to an existing object that may own objects in the dependent's namespace.
    private static func isAlive(_ owner: JSONValue, for dependent: ObjectReference, _ state: State) -> Bool {
        guard let found = state.references[owner["uid"]?.stringValue ?? ""] else { return false }
        let isInReach = found.key.namespace.isEmpty || found.key.namespace == dependent.key.namespace
        return isInReach && found.key.name == owner["name"]?.stringValue
    }

    private func releaseFromLostOwners(_ reference: ObjectReference, _ object: JSONValue, _ state: inout State) {
        let living = object.ownerReferences.filter { Self.isAlive($0, for: reference, state) }
        guard living.count < object.ownerReferences.count else { return }
        if living.isEmpty {
            let preconditions = Preconditions(uid: object.uid, resourceVersion: object.resourceVersion)
            _ = try? delete(reference, DeleteOptions(preconditions: preconditions), &state)
        } else {
            var changed = object
            changed["metadata", "ownerReferences"] = .array(living)
            commit(reference.kind, changed, replacing: object, &state)
        }
    }

    /// Performs the garbage collector's part of the deletion of an object.
    private func finish(_ reference: ObjectReference, _ object: JSONValue, _ state: inout State) {
        if reference.kind == .namespaces {
            finishNamespace(reference, object, &state)
        } else if object.finalizers.contains(Finalizer.orphan) {
            for dependent in state.dependents[object.uid] ?? [] {
                guard let old = state.tables[dependent.kind]?[dependent.key] else { continue }
                var changed = old
                let others = old.ownerReferences.filter { $0["uid"]?.stringValue != object.uid }
                changed["metadata", "ownerReferences"] = others.isEmpty ? nil : .array(others)
                commit(dependent.kind, changed, replacing: old, &state)
            }
            remove(Finalizer.orphan, from: reference, object, &state)
        } else if object.finalizers.contains(Finalizer.foreground) {
            for dependent in state.dependents[object.uid] ?? [] {
                _ = try? delete(dependent, DeleteOptions(propagation: .foreground), &state)
            }
            let blocking = (state.dependents[object.uid] ?? []).contains { dependent in
                state.tables[dependent.kind]?[dependent.key]?.ownerReferences.contains {
                    $0["uid"]?.stringValue == object.uid && $0["blockOwnerDeletion"]?.boolValue == true
                } ?? false
            }
            if !blocking { remove(Finalizer.foreground, from: reference, object, &state) }
        }
    }

    private func remove(
        _ finalizer: String,
        from reference: ObjectReference,
        _ object: JSONValue,
        _ state: inout State
    ) {
        var changed = object
        let others = object.finalizers.filter { $0 != finalizer }
        changed["metadata", "finalizers"] = others.isEmpty ? nil : .array(others.map(JSONValue.string))
        commit(
            reference.kind,
            changed,
            replacing: object,
            isDeletion: others.isEmpty && !object.hasGracePeriod,
            &state
        )
    }

    private func finishNamespace(_ reference: ObjectReference, _ object: JSONValue, _ state: inout State) {
        var isEmpty = true
        for kind in kinds where kind.isNamespaced {
            for item in state.tables[kind]?.items(in: reference.key.name) ?? [] {
                let contents = ObjectReference(kind: kind, key: item.key)
                let options = DeleteOptions(gracePeriodSeconds: 0)
                if case .removed = try? delete(contents, options, &state) { continue }
                isEmpty = false
            }
        }
        if isEmpty, object.finalizers.isEmpty {
            commit(.namespaces, object, replacing: object, isDeletion: true, &state)
        }
    }
}
