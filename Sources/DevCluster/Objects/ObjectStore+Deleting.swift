import FoundationEssentials

extension ObjectStore {
    /// What must hold of an object for it to be deleted.
    package struct Preconditions: Sendable, Hashable {
        package var uid: String?
        package var resourceVersion: String?

        package init(uid: String? = nil, resourceVersion: String? = nil) {
            self.uid = uid
            self.resourceVersion = resourceVersion
        }
    }

    /// What happens to the objects that name a deleted one as their owner.
    package enum Propagation: String, Sendable {
        /// They are deleted afterwards.
        case background = "Background"
        /// They are deleted first.
        case foreground = "Foreground"
        /// They stay.
        case orphan = "Orphan"
    }

    /// How an object is to be deleted.
    package struct DeleteOptions: Sendable {
        package var preconditions = Preconditions()
        package var propagation = Propagation.background
        /// Seconds that a pod gets to end; `nil` takes the pod's own, zero removes it at once. Only a pod that runs on a
        /// node gets any: it stays, with `deletionTimestamp`, until it is deleted with zero.
        package var gracePeriodSeconds: Int?
        package var isDryRun = false

        package init(
            preconditions: Preconditions = Preconditions(),
            propagation: Propagation = .background,
            gracePeriodSeconds: Int? = nil
        ) {
            self.preconditions = preconditions
            self.propagation = propagation
            self.gracePeriodSeconds = gracePeriodSeconds
        }
    }

    /// What a deletion has come to.
    package enum Deletion: Sendable, Hashable {
        /// The object has gone; this was its last state.
        case removed(JSONValue)
        /// The object has its `deletionTimestamp` and goes once its finalizers or its grace period allow it.
        case pending(JSONValue)
    }

    /// Deletes an object.
    ///
    /// - Throws: ``StatusFailure``: 404 where there is none, 409 where a precondition does not hold.
    @discardableResult
    package func delete(
        _ kind: ResourceKind,
        namespace: String?,
        name: String,
        options: DeleteOptions = DeleteOptions()
    ) throws -> Deletion {
        try withState { state in
            try delete(ObjectReference(kind: kind, key: ObjectKey(namespace: namespace, name: name)), options, &state)
        }
    }

    func delete(_ reference: ObjectReference, _ options: DeleteOptions, _ state: inout State) throws -> Deletion {
        let kind = reference.kind
        guard let old = state.tables[kind]?[reference.key] else {
            throw StatusFailure.notFound(kind, reference.key.name)
        }
        try check(options.preconditions, kind, old)
        var object = old
        var finalizers = old.finalizers
        switch options.propagation {
        case .background: break
        case .foreground: finalizers.append(Finalizer.foreground)
        case .orphan: finalizers.append(Finalizer.orphan)
        }
        if finalizers != old.finalizers, !old.isTerminating {
            object["metadata", "finalizers"] = .array(finalizers.map(JSONValue.string))
        }
        let grace = gracePeriod(kind, old, options)
        if object.finalizers.isEmpty, grace == 0, kind != .namespaces {
            return .removed(
                options.isDryRun ? old : commit(kind, old, replacing: old, isDeletion: true, &state)
            )
        }
        guard !old.isTerminating else { return .pending(old) }
        object["metadata", "deletionTimestamp"] = .string(Timestamp.text(now().addingTimeInterval(Double(grace))))
        object["metadata", "deletionGracePeriodSeconds"] = kind == .namespaces ? nil : .int(Int64(grace))
        if kind.countsGenerations {
            object["metadata", "generation"] = .int(Int64(old["metadata", "generation"]?.intValue ?? 0) + 1)
        }
        if kind == .namespaces { object["status", "phase"] = "Terminating" }
        guard !options.isDryRun else { return .pending(object) }
        object = commit(kind, object, replacing: old, &state)
        state.garbage.insert(reference)
        return .pending(object)
    }

    private func check(_ preconditions: Preconditions, _ kind: ResourceKind, _ object: JSONValue) throws {
        if let uid = preconditions.uid, uid != object.uid {
            throw StatusFailure.conflict(
                kind,
                object.name,
                "Precondition failed: UID in precondition: \(uid), UID in object meta: \(object.uid)"
            )
        }
        if let version = preconditions.resourceVersion, version != object.resourceVersion {
            throw StatusFailure.conflict(
                kind,
                object.name,
                """
                Precondition failed: ResourceVersion in precondition: \(version), \
                ResourceVersion in object meta: \(object.resourceVersion)
                """
            )
        }
    }

    /// Seconds that stay until a pod must have ended; a pod that runs nowhere, or ran to its end, needs none.
    private func gracePeriod(_ kind: ResourceKind, _ object: JSONValue, _ options: DeleteOptions) -> Int {
        guard kind == .pods, object["spec", "nodeName"]?.stringValue ?? "" != "",
            !["Succeeded", "Failed"].contains(object["status", "phase"]?.stringValue ?? "")
        else { return 0 }
        return max(0, options.gracePeriodSeconds ?? object["spec", "terminationGracePeriodSeconds"]?.intValue ?? 30)
    }
}

/// The finalizers of the garbage collector itself.
enum Finalizer {
    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"
}
