import FoundationEssentials

/// Server-side apply (Kubernetes, "Server-Side Apply"): a manager applies the fields that it wants, and owns exactly these.
struct ServerSideApply {
    let manager: String
    /// Whether fields that other managers own are taken over instead of causing a conflict.
    let isForced: Bool
    let now: Date

    /// Merges applied fields into an object.
    ///
    /// - Parameters:
    ///   - applied: The fields that the manager applies.
    ///   - object: The current object; `nil` if it is to be created.
    /// - Returns: The object with its `managedFields`.
    /// - Throws: ``StatusFailure`` with code 409, with a cause for each field that another manager owns with another value.
    func merge(
        _ applied: JSONValue,
        into object: JSONValue?,
        _ kind: ResourceKind,
        part: ObjectStore.Part
    ) throws -> JSONValue {
        let wanted = ManagedFields.tracked(applied)
        let wantedFields = FieldSet(of: wanted)
        var result = object ?? applied
        var managed = ManagedFields(of: object ?? [:])
        let isOwn: (ManagedFields.Entry) -> Bool = {
            $0.manager == manager && $0.operation == "Apply" && $0.subresource == part.rawValue
        }

        let changed = object.map { FieldSet(changedFrom: merged(wanted, into: $0), to: $0) } ?? FieldSet()
        try checkConflicts(
            changed.intersection(wantedFields),
            managed.entries.filter { !isOwn($0) },
            kind,
            applied.name
        )
        for index in managed.entries.indices where !isOwn(managed.entries[index]) {
            managed.entries[index].fields = managed.entries[index].fields.subtracting(
                changed.intersection(wantedFields)
            )
        }

        // Remove the fields that the manager applied before and does not apply now, unless another manager owns them too.
        let owned = managed.entries.first(where: isOwn)?.fields ?? FieldSet()
        let others = managed.entries.filter { !isOwn($0) }.reduce(FieldSet()) { $0.union($1.fields) }
        owned.subtracting(wantedFields).subtracting(others).remove(from: &result)
        result = merged(wanted, into: result)

        managed.entries.removeAll { isOwn($0) || $0.fields.isEmpty }
        managed.entries.append(
            ManagedFields.Entry(
                manager: manager,
                operation: "Apply",
                subresource: part.rawValue,
                apiVersion: applied["apiVersion"]?.stringValue ?? kind.storageAPIVersion,
                time: Timestamp.text(now),
                fields: wantedFields
            )
        )
        result["metadata", "managedFields"] = managed.document
        return result
    }

    private func checkConflicts(
        _ contested: FieldSet,
        _ entries: [ManagedFields.Entry],
        _ kind: ResourceKind,
        _ name: String
    ) throws {
        guard !isForced else { return }
        let causes = entries.flatMap { entry in
            entry.fields.intersection(contested).paths().map { path in
                StatusFailure.Cause(
                    reason: "FieldManagerConflict",
                    message: "conflict with \"\(entry.manager)\" using \(entry.apiVersion)",
                    field: path
                )
            }
        }
        guard !causes.isEmpty else { return }
        let list = causes.map { "\($0.message): \($0.field)" }.joined(separator: "\n")
        throw StatusFailure(
            code: 409,
            reason: "Conflict",
            message: "Apply failed with \(causes.count) conflict\(causes.count == 1 ? "" : "s"): \(list)",
            causes: causes
        )
    }

    /// Merges objects by member, and keyed lists by key; other values are replaced.
    private func merged(_ wanted: JSONValue, into value: JSONValue, listNamed name: String = "") -> JSONValue {
        switch (wanted, value) {
        case (.object(let changes), .object(var members)):
            for (name, change) in changes {
                members[name] = members[name].map { merged(change, into: $0, listNamed: name) } ?? change
            }
            return .object(members)
        case (.array(let changes), .array(var elements)):
            if name == "finalizers" { return .array(elements + changes.filter { !elements.contains($0) }) }
            guard let keys = ListKeys.applyKeys(ofListNamed: name, changes + elements) else { return wanted }
            for change in changes {
                let step = FieldSet.step(of: change, keys)
                if let index = elements.firstIndex(where: { FieldSet.step(of: $0, keys) == step }) {
                    elements[index] = merged(change, into: elements[index])
                } else {
                    elements.append(change)
                }
            }
            return .array(elements)
        default: return wanted
        }
    }
}
