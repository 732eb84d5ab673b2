/// JSON Merge Patch (RFC 7386) and Kubernetes' strategic merge patch.
enum MergePatch {
    /// Applies a JSON Merge Patch: `null` removes a member, objects are merged, all other values replace.
    static func apply(_ patch: JSONValue, to document: inout JSONValue) {
        guard case .object(let changes) = patch else {
            document = patch
            return
        }
        var members = document.objectValue ?? [:]
        for (name, change) in changes {
            if change.isNull {
                members[name] = nil
            } else {
                var member = members[name] ?? .null
                apply(change, to: &member)
                members[name] = member
            }
        }
        document = .object(members)
    }

    /// Applies a strategic merge patch. Unlike in a merge patch, lists whose elements have a known key are merged by it, and
    /// the directives `$patch: delete`, `$patch: replace`, `$retainKeys` and `$deleteFromPrimitiveList/…` are applied.
    /// `$setElementOrder/…` is ignored.
    static func applyStrategically(_ patch: JSONValue, to document: inout JSONValue) {
        guard case .object(var changes) = patch else {
            document = patch
            return
        }
        var members = document.objectValue ?? [:]
        if changes.removeValue(forKey: "$patch") == "replace" { members = [:] }
        if let kept = changes.removeValue(forKey: "$retainKeys")?.arrayValue {
            members = members.filter { kept.contains(.string($0.key)) }
        }
        for (name, change) in changes where !name.hasPrefix("$") {
            if change.isNull {
                members[name] = nil
                continue
            }
            var member = members[name] ?? .null
            if case .array(let elements) = change {
                member = .array(mergeLists(elements, into: member.arrayValue ?? [], named: name))
            } else {
                applyStrategically(change, to: &member)
            }
            members[name] = member
        }
        for (name, removed) in changes where name.hasPrefix("$deleteFromPrimitiveList/") {
            let list = String(name.dropFirst("$deleteFromPrimitiveList/".count))
            let others = members[list]?.arrayValue?.filter { removed.arrayValue?.contains($0) != true }
            members[list] = others.map(JSONValue.array)
        }
        document = .object(members)
    }

    private static func mergeLists(_ changes: [JSONValue], into old: [JSONValue], named name: String) -> [JSONValue] {
        if name == "finalizers" { return old + changes.filter { !old.contains($0) } }
        guard let key = ListKeys.strategicKey(ofListNamed: name, changes + old) else { return changes }
        var result = old
        if changes.contains(["$patch": "replace"]) { result = [] }
        for change in changes where change != ["$patch": "replace"] {
            let index = result.firstIndex { $0[key] == change[key] }
            if change["$patch"] == "delete" {
                if let index { result.remove(at: index) }
            } else if let index {
                applyStrategically(change, to: &result[index])
            } else {
                var element = JSONValue.object([:])
                applyStrategically(change, to: &element)
                result.append(element)
            }
        }
        // The elements of the patch come first, in the order of the patch.
        let order = changes.compactMap { change in result.first { $0[key] == change[key] } }
        return order + result.filter { !order.contains($0) }
    }
}

/// The lists that are merged by keys, as the types of the core group declare it (`patchMergeKey`, `listMapKeys`).
enum ListKeys {
    /// The key by which a strategic merge patch merges a list; `nil` for a list that it replaces.
    static func strategicKey(ofListNamed name: String, _ elements: [JSONValue]) -> String? {
        let key: String
        switch name {
        case "ports": key = elements.contains { $0["containerPort"] != nil } ? "containerPort" : "port"
        case "containers", "initContainers", "env", "volumes", "imagePullSecrets": key = "name"
        case "conditions": key = "type"
        case "ownerReferences": key = "uid"
        case "volumeMounts": key = "mountPath"
        case "hostAliases", "podIPs": key = "ip"
        default: return nil
        }
        return key
    }

    /// The keys by which server-side apply identifies the elements of a list; `nil` for a list that is a single value.
    static func applyKeys(ofListNamed name: String, _ elements: [JSONValue]) -> [String]? {
        let keys: [String]
        switch name {
        case "ports": keys = [elements.contains { $0["containerPort"] != nil } ? "containerPort" : "port", "protocol"]
        case "listeners", "parents": return nil
        default: keys = strategicKey(ofListNamed: name, elements).map { [$0] } ?? []
        }
        guard !keys.isEmpty else { return nil }
        return elements.allSatisfy { element in keys.contains { element[$0] != nil } } ? keys : nil
    }
}
