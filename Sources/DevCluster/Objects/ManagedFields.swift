/// `metadata.managedFields`: the managers of an object's fields, and the operations by which they wrote them (Kubernetes,
/// "Server-Side Apply").
struct ManagedFields: Sendable, Hashable {
    /// The fields that one manager wrote by one operation (`metav1.ManagedFieldsEntry`).
    struct Entry: Sendable, Hashable {
        var manager: String
        var operation: String
        var subresource: String
        var apiVersion: String
        var time: String
        var fields: FieldSet
    }

    /// The maximum number of entries other than applies. The oldest are merged, as in kube-apiserver.
    static let maxUpdateEntries = 10

    var entries: [Entry]

    init(of object: JSONValue) {
        entries = (object["metadata", "managedFields"]?.arrayValue ?? []).map { entry in
            Entry(
                manager: entry["manager"]?.stringValue ?? "",
                operation: entry["operation"]?.stringValue ?? "",
                subresource: entry["subresource"]?.stringValue ?? "",
                apiVersion: entry["apiVersion"]?.stringValue ?? "",
                time: entry["time"]?.stringValue ?? "",
                fields: FieldSet(document: entry["fieldsV1"] ?? [:])
            )
        }
    }

    /// The entries as JSON; `nil` if there are none.
    var document: JSONValue? {
        guard !entries.isEmpty else { return nil }
        return .array(
            entries.map { entry in
                var document: JSONValue = [
                    "manager": .string(entry.manager), "operation": .string(entry.operation),
                    "apiVersion": .string(entry.apiVersion), "time": .string(entry.time), "fieldsType": "FieldsV1",
                    "fieldsV1": entry.fields.document,
                ]
                if !entry.subresource.isEmpty { document["subresource"] = .string(entry.subresource) }
                return document
            }
        )
    }

    /// Assigns fields to a manager, and removes them from all entries of others that are not applies.
    mutating func record(_ new: Entry) {
        for index in entries.indices where entries[index].operation != "Apply" {
            entries[index].fields = entries[index].fields.subtracting(new.fields)
        }
        if let index = entries.firstIndex(where: { $0.isSameWriter(as: new) }) {
            entries[index].fields = entries[index].fields.union(new.fields)
            entries[index].time = new.time
        } else {
            entries.append(new)
        }
        entries.removeAll(where: \.fields.isEmpty)
        let updates = entries.indices.filter { entries[$0].operation != "Apply" }
        if updates.count > Self.maxUpdateEntries {
            entries[updates[1]].fields = entries[updates[0]].fields.union(entries[updates[1]].fields)
            entries[updates[1]].manager = "ancient-changes"
            entries.remove(at: updates[0])
        }
    }

    /// Whether the entries are equal apart from their times.
    func isSame(as other: ManagedFields) -> Bool {
        entries.count == other.entries.count
            && entries.allSatisfy { entry in
                other.entries.contains { $0.isSameWriter(as: entry) && $0.fields == entry.fields }
            }
    }

    /// The fields that are tracked: all except those that identify the object and those that only the server sets.
    static func tracked(_ object: JSONValue) -> JSONValue {
        var object = object
        object["apiVersion"] = nil
        object["kind"] = nil
        let untracked = [
            "name", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp",
            "deletionGracePeriodSeconds", "generation", "generateName", "managedFields", "selfLink",
        ]
        for name in untracked { object["metadata", name] = nil }
        if object["metadata"] == [:] { object["metadata"] = nil }
        return object
    }
}

extension ManagedFields.Entry {
    fileprivate func isSameWriter(as other: ManagedFields.Entry) -> Bool {
        manager == other.manager && operation == other.operation && subresource == other.subresource
    }
}

extension ObjectStore {
    /// Records in `metadata.managedFields` which fields a manager changed.
    func recordManager(_ manager: String, of object: inout JSONValue, replacing old: JSONValue?, part: Part) {
        let changed = FieldSet(
            changedFrom: old.map(ManagedFields.tracked) ?? .object([:]),
            to: ManagedFields.tracked(object)
        )
        guard !changed.isEmpty else { return }
        var managed = ManagedFields(of: object)
        managed.record(
            ManagedFields.Entry(
                manager: manager,
                operation: "Update",
                subresource: part.rawValue,
                apiVersion: object["apiVersion"]?.stringValue ?? "",
                time: Timestamp.text(now()),
                fields: changed
            )
        )
        object["metadata", "managedFields"] = managed.document
    }
}
