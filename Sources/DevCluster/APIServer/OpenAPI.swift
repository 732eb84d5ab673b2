/// The OpenAPI v3 documents, with what `kubectl` needs to validate and apply. The schemas allow unknown fields.
struct OpenAPI: Sendable {
    let kinds: [ResourceKind]

    /// `GET /openapi/v3`
    var index: JSONValue {
        var paths: [String: JSONValue] = [:]
        for kind in kinds {
            for version in kind.versions {
                let path = Self.root(kind.group, version)
                paths[path] = ["serverRelativeURL": .string("/openapi/v3/\(path)")]
            }
        }
        return ["paths": .object(paths)]
    }

    private static func root(_ group: String, _ version: String) -> String {
        group.isEmpty ? "api/\(version)" : "apis/\(group)/\(version)"
    }

    /// `GET /openapi/v3/apis/{group}/{version}`; `nil` if the version is unknown.
    func document(group: String, version: String) -> JSONValue? {
        let served = kinds.filter { $0.group == group && $0.versions.contains(version) }
        guard !served.isEmpty else { return nil }
        var paths: [String: JSONValue] = [:]
        var schemas: [String: JSONValue] = [:]
        for kind in served {
            let identity: JSONValue = [
                "group": .string(group), "version": .string(version), "kind": .string(kind.kind),
            ]
            var properties: JSONValue = [
                "apiVersion": ["type": "string"], "kind": ["type": "string"], "metadata": ["type": "object"],
            ]
            properties["status"] = kind.statusSchemas[version]
            let schema = "\(group.isEmpty ? "core" : group).\(version).\(kind.kind)"
            schemas[schema] = [
                "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                "x-kubernetes-group-version-kind": [identity],
                "properties": properties,
            ]
            let reference: JSONValue = ["$ref": .string("#/components/schemas/\(schema)")]
            let namespace = kind.isNamespaced ? "namespaces/{namespace}/" : ""
            let collection = "/\(Self.root(group, version))/\(namespace)\(kind.plural)"
            paths[collection] = [
                "get": operation("list", identity, reference), "post": operation("post", identity, reference),
                "delete": operation("deletecollection", identity, reference),
            ]
            paths["\(collection)/{name}"] = [
                "get": operation("get", identity, reference), "put": operation("put", identity, reference),
                "patch": operation("patch", identity, reference), "delete": operation("delete", identity, reference),
            ]
        }
        return [
            "openapi": "3.0.0", "info": ["title": "Kubernetes", "version": "v1.32.0"], "paths": .object(paths),
            "components": ["schemas": .object(schemas)],
        ]
    }

    private func operation(_ action: String, _ identity: JSONValue, _ schema: JSONValue) -> JSONValue {
        let names =
            ["post", "put", "patch"].contains(action) ? ["dryRun", "fieldManager", "fieldValidation"] : ["dryRun"]
        let parameters: [JSONValue] = names.map {
            ["name": .string($0), "in": "query", "schema": ["type": "string", "uniqueItems": true]]
        }
        return [
            "x-kubernetes-action": .string(action), "x-kubernetes-group-version-kind": identity,
            "parameters": .array(parameters),
            "responses": ["200": ["description": "OK", "content": ["application/json": ["schema": schema]]]],
        ]
    }
}
