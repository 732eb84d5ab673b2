import FoundationEssentials

/// The form in which a client requested objects: complete, metadata only, or as rows of a table.
struct Representation: Sendable {
    /// The form of objects in a response, selected by the parameter `as` of the media type.
    enum Form: Sendable, Hashable {
        case full
        case metadata
        case table
    }

    /// The part of a row's object that a table contains: the parameter `includeObject`.
    enum RowObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case full = "Object"
    }

    let kind: ResourceKind
    let version: String
    let form: Form
    let rowObject: RowObject
    let now: Date

    /// Selects the first supported form of the `Accept` header.
    ///
    /// - Throws: ``StatusFailure`` with code 406 if none is supported.
    init(accept: String, kind: ResourceKind, version: String, rowObject: String?, now: Date) throws {
        self.kind = kind
        self.version = version
        self.now = now
        self.rowObject = rowObject.flatMap(RowObject.init) ?? .metadata
        guard let form = Self.form(accept) else {
            throw StatusFailure(
                code: 406,
                reason: "NotAcceptable",
                message: "only the following media types are accepted: application/json, application/yaml"
            )
        }
        self.form = form
    }

    private static func form(_ accept: String) -> Form? {
        guard !accept.isEmpty else { return .full }
        for entry in accept.split(separator: ",") {
            let parts = entry.split(separator: ";").map { $0.filter { !$0.isWhitespace } }
            guard ["application/json", "*/*", "application/*"].contains(parts.first) else { continue }
            switch parts.first(where: { $0.hasPrefix("as=") })?.dropFirst(3) {
            case nil: return .full
            case "Table"?: return .table
            case "PartialObjectMetadata"?, "PartialObjectMetadataList"?: return .metadata
            default: continue
            }
        }
        return nil
    }

    /// One object in the requested form.
    ///
    /// - Parameter includesColumns: Whether a table contains the columns. The later rows of a watch omit them.
    func document(of object: JSONValue, includesColumns: Bool = true) throws -> JSONValue {
        try checkConversion()
        switch form {
        case .full: return converted(object)
        case .metadata: return Self.metadata(of: object)
        case .table:
            return table(of: [object], metadata: ["resourceVersion": .string(object.resourceVersion)], includesColumns)
        }
    }

    /// A list of objects in the requested form.
    func document(
        of items: [JSONValue],
        resourceVersion: Int,
        continueToken: String? = nil,
        remaining: Int? = nil
    ) throws -> JSONValue {
        if !items.isEmpty { try checkConversion() }
        var metadata: JSONValue = ["resourceVersion": .string(String(resourceVersion))]
        // In kube-apiserver, complete lists of custom resources always contain this member.
        let noToken: JSONValue? = Self.isBuiltIn(kind) || form != .full ? nil : ""
        metadata["continue"] = continueToken.map(JSONValue.string) ?? noToken
        if form != .metadata { metadata["remainingItemCount"] = remaining.map { .int(Int64($0)) } }
        switch form {
        case .full:
            let members = items.map { object in
                var item = converted(object)
                if Self.isBuiltIn(kind) {
                    // kube-apiserver omits the type of the elements in lists of built-in kinds.
                    item["kind"] = nil
                    item["apiVersion"] = nil
                }
                return item
            }
            return [
                "kind": .string("\(kind.kind)List"), "apiVersion": .string(kind.apiVersion(version)),
                "metadata": metadata, "items": .array(members),
            ]
        case .metadata:
            return [
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "items": .array(items.map(Self.metadata)),
            ]
        case .table: return table(of: items, metadata: metadata, true)
        }
    }

    /// The object of a bookmark.
    func bookmark(resourceVersion: Int) -> JSONValue {
        var metadata: JSONValue = ["resourceVersion": .string(String(resourceVersion))]
        if form == .full { metadata["creationTimestamp"] = .null }
        switch form {
        case .full:
            return [
                "kind": .string(kind.kind), "apiVersion": .string(kind.apiVersion(version)), "metadata": metadata,
            ]
        case .metadata:
            return ["kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata]
        case .table: return table(of: [], metadata: metadata, false)
        }
    }

    /// Whether kube-apiserver has the kind built in; false for kinds that a CustomResourceDefinition defines.
    static func isBuiltIn(_ kind: ResourceKind) -> Bool {
        ["", "networking.k8s.io", "rbac.authorization.k8s.io"].contains(kind.group)
    }

    private func checkConversion() throws {
        guard version != kind.versions[0], kind.unconvertibleVersions.contains(version) else { return }
        throw StatusFailure(
            code: 500,
            reason: "InternalError",
            message: "conversion webhook for \(kind.storageAPIVersion), Kind=\(kind.kind) failed: no answer"
        )
    }

    private func converted(_ object: JSONValue) -> JSONValue {
        var object = object
        object["apiVersion"] = .string(kind.apiVersion(version))
        return object
    }

    static func metadata(of object: JSONValue) -> JSONValue {
        [
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] ?? [:],
        ]
    }

    private func table(of items: [JSONValue], metadata: JSONValue, _ includesColumns: Bool) -> JSONValue {
        let columns = TableColumn.columns(of: kind)
        let rows = items.map { object -> JSONValue in
            var row: JSONValue = ["cells": .array(columns.map { $0.cell(object, now) })]
            switch rowObject {
            case .none: break
            case .metadata: row["object"] = Self.metadata(of: object)
            case .full: row["object"] = converted(object)
            }
            return row
        }
        let definitions = columns.map { column -> JSONValue in
            [
                "name": .string(column.name), "type": .string(column.type),
                "format": column.name == "Name" ? "name" : "",
                "description": .string(column.name), "priority": .int(column.priority),
            ]
        }
        return [
            "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": includesColumns ? .array(definitions) : .null, "rows": .array(rows),
        ]
    }
}
