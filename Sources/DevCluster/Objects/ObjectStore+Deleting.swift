import FoundationEssentials

extension ObjectStore {
    /// The conditions that an object must meet to be deleted (`metav1.Preconditions`).
    package struct Preconditions: Sendable, Hashable {
        package var uid: String?
        package var resourceVersion: String?

        package init(uid: String? = nil, resourceVersion: String? = nil) {
            self.uid = uid
            self.resourceVersion = resourceVersion
        }
    }

    /// The handling of the objects that a deleted object owns (`metav1.DeletionPropagation`).
    package enum Propagation: String, Sendable {
        /// They are deleted afterwards.
        case background = "Background"
        /// They are deleted before the owner.
        case foreground = "Foreground"
        /// They are kept.
        case orphan = "Orphan"
    }

    /// The options of a deletion (`metav1.DeleteOptions`).
    package struct DeleteOptions: Sendable {
        package var preconditions = Preconditions()
        package var propagation = Propagation.background
        /// The number of seconds that a pod has to end; `nil` for the pod's own value. Zero removes the pod at once. Only pods
        /// on a node have a grace period: they stay, with `deletionTimestamp`, until they are deleted with zero.
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

    /// The result of a deletion.
    package enum Deletion: Sendable, Hashable {
        /// The object was removed; the value is its last state.
        case removed(JSONValue)
        /// The object has a `deletionTimestamp`, and is removed after its finalizers or its grace period.
        case pending(JSONValue)
    }

    /// Deletes an object.
    ///
    /// - Throws: ``StatusFailure``: 404 if the object does not exist, 409 if it does not meet a precondition.
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
        guard !old.isTerminating else {
            guard let shortened = shortened(old, to: options.gracePeriodSeconds) else { return .pending(old) }
            return .pending(options.isDryRun ? shortened : commit(kind, shortened, replacing: old, &state))
        }
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
            throw preconditionFailure(
                kind,
                object,
                """
                the UID in the precondition (\(uid)) does not match the UID in record (\(object.uid)). \
                The object might have been deleted and then recreated
                """
            )
        }
        if let version = preconditions.resourceVersion, version != object.resourceVersion {
            throw preconditionFailure(
                kind,
                object,
                """
                the ResourceVersion in the precondition (\(version)) does not match the ResourceVersion in record \
                (\(object.resourceVersion)). The object might have been modified
                """
            )
        }
    }

    /// A conflict that contains the kind where others contain the resource, as in kube-apiserver.
    private func preconditionFailure(_ kind: ResourceKind, _ object: JSONValue, _ explanation: String) -> StatusFailure
    {
        StatusFailure(
            code: 409,
            reason: "Conflict",
            message: "Operation cannot be fulfilled on \(kind.qualifiedKind) \"\(object.name)\": \(explanation)",
            name: object.name,
            group: kind.group,
            kind: kind.kind
        )
    }

    /// A terminating object with a shorter grace period; `nil` if it would not be shorter. A caller cannot extend it.
    private func shortened(_ object: JSONValue, to seconds: Int?) -> JSONValue? {
        guard let period = seconds.map({ max(0, $0) }),
            let before = object["metadata", "deletionGracePeriodSeconds"]?.intValue, period < before,
            let end = object["metadata", "deletionTimestamp"]?.stringValue.flatMap(Timestamp.date)
        else { return nil }
        var object = object
        object["metadata", "deletionTimestamp"] = .string(
            Timestamp.text(end.addingTimeInterval(Double(period - before)))
        )
        object["metadata", "deletionGracePeriodSeconds"] = .int(Int64(period))
        return object
    }

    /// The grace period in seconds. Zero for a pod that is not on a node or has ended.
    private func gracePeriod(_ kind: ResourceKind, _ object: JSONValue, _ options: DeleteOptions) -> Int {
        guard kind == .pods, object["spec", "nodeName"]?.stringValue ?? "" != "",
            !["Succeeded", "Failed"].contains(object["status", "phase"]?.stringValue ?? "")
        else { return 0 }
        return max(0, options.gracePeriodSeconds ?? object["spec", "terminationGracePeriodSeconds"]?.intValue ?? 30)
    }
}

/// The finalizers of the garbage collector.
enum Finalizer {
    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"
}
