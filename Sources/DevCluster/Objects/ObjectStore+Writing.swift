import FoundationEssentials

extension ObjectStore {
    /// The options of a write.
    package struct WriteOptions: Sendable {
        /// The manager that is recorded in `metadata.managedFields`.
        package var fieldManager = "preview-devcluster"
        /// Whether the object is not stored.
        package var isDryRun = false
        /// Whether the caller has already set `metadata.managedFields`.
        var isApply = false

        package init() {}
    }

    /// Creates an object.
    ///
    /// - Parameters:
    ///   - namespace: The namespace; `nil` for cluster-scoped kinds.
    ///   - object: The object. `generateName` is supported; `status` is ignored if it is a subresource.
    /// - Returns: The object as stored.
    /// - Throws: ``StatusFailure``: 404 for an unknown namespace, 409 if the name exists, 422 for a violated rule.
    @discardableResult
    package func create(
        _ kind: ResourceKind,
        namespace: String?,
        _ object: JSONValue,
        options: WriteOptions = WriteOptions()
    ) throws -> JSONValue {
        try withState { state in try create(kind, namespace, object, options, &state) }
    }

    /// Reads, changes and writes an object atomically.
    ///
    /// - Parameters:
    ///   - mutate: Changes the object. It is called under the store's lock and must not call the store.
    /// - Returns: The object as stored; with the old resourceVersion if nothing changed.
    /// - Throws: ``StatusFailure``, or the error of `mutate`.
    @discardableResult
    package func update(
        _ kind: ResourceKind,
        namespace: String?,
        name: String,
        options: WriteOptions = WriteOptions(),
        _ mutate: (inout JSONValue) throws -> Void
    ) throws -> JSONValue {
        try withState { state in try update(kind, namespace, name, .main, options, &state, mutate) }
    }

    /// Like ``update(_:namespace:name:options:_:)``, but changes only the member `status`.
    @discardableResult
    package func updateStatus(
        _ kind: ResourceKind,
        namespace: String?,
        name: String,
        options: WriteOptions = WriteOptions(),
        _ mutate: (inout JSONValue) throws -> Void
    ) throws -> JSONValue {
        try withState { state in try update(kind, namespace, name, .status, options, &state, mutate) }
    }

    /// Creates or changes an object by server-side apply.
    ///
    /// - Parameter merge: Returns the new object with its `managedFields`. Its argument is the old object; `nil` if there is
    ///   none.
    /// - Returns: The object, and whether it is new.
    /// - Throws: ``StatusFailure``.
    func apply(
        _ kind: ResourceKind,
        namespace: String?,
        name: String,
        part: Part,
        options: WriteOptions,
        _ merge: (JSONValue?) throws -> JSONValue
    ) throws -> (object: JSONValue, isNew: Bool) {
        try withState { state in
            var options = options
            options.isApply = true
            guard state.tables[kind]?[ObjectKey(namespace: namespace, name: name)] != nil else {
                guard part == .main else { throw StatusFailure.notFound(kind, name) }
                return (try create(kind, namespace, try merge(nil), options, &state), true)
            }
            return (try update(kind, namespace, name, part, options, &state) { $0 = try merge($0) }, false)
        }
    }

    /// The part of an object that a write may change.
    enum Part: String {
        case main = ""
        case status
    }

    func create(
        _ kind: ResourceKind,
        _ namespace: String?,
        _ object: JSONValue,
        _ options: WriteOptions,
        _ state: inout State
    ) throws -> JSONValue {
        var object = object
        if object.name.isEmpty, let prefix = object["metadata", "generateName"]?.stringValue, !prefix.isEmpty {
            let suffix = UUID().uuidString.lowercased().filter { $0 != "-" }.suffix(5)
            object["metadata", "name"] = .string(String(prefix.prefix(58)) + suffix)
        }
        let name = object.name
        guard object["metadata", "resourceVersion"]?.stringValue ?? "" == "" else {
            throw StatusFailure(
                code: 500,
                reason: "",
                message: "resourceVersion should not be set on objects to be created"
            )
        }
        if kind.isNamespaced { try checkNamespace(namespace ?? "", for: kind, name, state) }
        let applied = object["metadata", "managedFields"]
        object = newObject(kind, namespace: namespace, name: name, object)
        try check(kind, object, replacing: nil)
        guard state.tables[kind]?[ObjectKey(of: object)] == nil else { throw StatusFailure.alreadyExists(kind, name) }
        try allocate(kind, &object, &state)
        if options.isApply {
            object["metadata", "managedFields"] = applied
        } else {
            recordManager(options.fieldManager, of: &object, replacing: nil, part: .main)
        }
        return options.isDryRun ? object : commit(kind, object, replacing: nil, &state)
    }

    /// A new object, with the members that the server sets.
    func newObject(_ kind: ResourceKind, namespace: String?, name: String, _ object: JSONValue) -> JSONValue {
        var object = object
        object["apiVersion"] = .string(kind.storageAPIVersion)
        object["kind"] = .string(kind.kind)
        object["metadata", "namespace"] = kind.isNamespaced ? namespace.map(JSONValue.string) : nil
        object["metadata", "uid"] = .string(UUID().uuidString.lowercased())
        object["metadata", "creationTimestamp"] = .string(Timestamp.text(now()))
        object["metadata", "deletionTimestamp"] = nil
        object["metadata", "deletionGracePeriodSeconds"] = nil
        object["metadata", "managedFields"] = nil
        object["metadata", "selfLink"] = nil
        object["metadata", "generation"] = kind.countsGenerations ? 1 : nil
        if kind.hasStatus { object["status"] = nil }
        ObjectDefaults.apply(to: &object, of: kind)
        return object
    }

    private func checkNamespace(_ name: String, for kind: ResourceKind, _ objectName: String, _ state: State) throws {
        guard let namespace = state.tables[.namespaces]?[ObjectKey(namespace: nil, name: name)] else {
            throw StatusFailure.notFound(.namespaces, name)
        }
        guard namespace.isTerminating else { return }
        var failure = StatusFailure.forbidden(
            kind,
            objectName,
            "unable to create new content in namespace \(name) because it is being terminated"
        )
        failure.causes = [
            .init(
                reason: "NamespaceTerminating",
                message: "namespace \(name) is being terminated",
                field: "metadata.namespace"
            )
        ]
        throw failure
    }

    func update(
        _ kind: ResourceKind,
        _ namespace: String?,
        _ name: String,
        _ part: Part,
        _ options: WriteOptions,
        _ state: inout State,
        _ mutate: (inout JSONValue) throws -> Void
    ) throws -> JSONValue {
        guard let old = state.tables[kind]?[ObjectKey(namespace: namespace, name: name)] else {
            throw StatusFailure.notFound(kind, name)
        }
        var object = old
        try mutate(&object)
        try checkIdentity(kind, object, old)
        let applied = object["metadata", "managedFields"]
        keepServerManagedFields(kind, &object, old, part)
        if part == .main { ObjectDefaults.apply(to: &object, of: kind) }
        if options.isApply {
            object["metadata", "managedFields"] = applied
            guard !object.isSame(as: old) || !ManagedFields(of: object).isSame(as: ManagedFields(of: old)) else {
                return old
            }
        } else {
            guard !object.isSame(as: old) else { return old }
            recordManager(options.fieldManager, of: &object, replacing: old, part: part)
        }
        try check(kind, object, replacing: old)
        if kind.countsGenerations, part == .main, object.desiredState != old.desiredState {
            object["metadata", "generation"] = .int(Int64(old["metadata", "generation"]?.intValue ?? 0) + 1)
        }
        if options.isDryRun { return object }
        if object.isTerminating, !object.hasGracePeriod, object.finalizers.isEmpty, !old.finalizers.isEmpty {
            return commit(kind, object, replacing: old, isDeletion: true, &state)
        }
        return commit(kind, object, replacing: old, &state)
    }

    private func checkIdentity(_ kind: ResourceKind, _ object: JSONValue, _ old: JSONValue) throws {
        guard object.name == old.name else {
            throw StatusFailure.badRequest(
                "the name of the object (\(object.name)) does not match the name on the URL (\(old.name))"
            )
        }
        guard object.namespace ?? old.namespace == old.namespace else {
            throw StatusFailure.badRequest(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        }
        if !object.uid.isEmpty, object.uid != old.uid {
            let cause = StatusFailure.Cause(
                reason: "FieldValueInvalid",
                message: "Invalid value: \"\(object.uid)\": field is immutable",
                field: "metadata.uid"
            )
            throw StatusFailure.invalid(kind, old.name, [cause])
        }
        if !object.resourceVersion.isEmpty, object.resourceVersion != "0",
            object.resourceVersion != old.resourceVersion
        {
            throw StatusFailure.modified(kind, old.name)
        }
    }

    private func keepServerManagedFields(
        _ kind: ResourceKind,
        _ object: inout JSONValue,
        _ old: JSONValue,
        _ part: Part
    ) {
        if part == .status {
            let status = object["status"]
            object = old
            object["status"] = status
            return
        }
        object["apiVersion"] = old["apiVersion"]
        object["kind"] = old["kind"]
        let kept = [
            "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp",
            "deletionGracePeriodSeconds", "generation", "managedFields", "selfLink",
        ]
        for name in kept { object["metadata", name] = old["metadata", name] }
        if kind.hasStatus { object["status"] = old["status"] }
        // Absent members with allocated values keep them.
        if kind == .services, object["spec", "type"] != "ExternalName", object["spec", "clusterIP"] == nil {
            for name in ["clusterIP", "clusterIPs"] { object["spec", name] = old["spec", name] }
        }
    }

    private func check(_ kind: ResourceKind, _ object: JSONValue, replacing old: JSONValue?) throws {
        let causes = ObjectRules.violations(by: object, of: kind, replacing: old)
        if !causes.isEmpty { throw StatusFailure.invalid(kind, object.name, causes) }
    }
}

extension JSONValue {
    /// The members outside metadata and status. `metadata.generation` counts their changes.
    fileprivate var desiredState: [String: JSONValue] {
        (objectValue ?? [:]).filter { !["metadata", "status"].contains($0.key) }
    }

    /// Whether the objects are equal apart from `managedFields`.
    fileprivate func isSame(as other: JSONValue) -> Bool {
        var (left, right) = (self, other)
        left["metadata", "managedFields"] = nil
        right["metadata", "managedFields"] = nil
        return left == right
    }
}
