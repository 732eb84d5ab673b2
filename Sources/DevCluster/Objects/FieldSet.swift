/// A set of fields of an object, in the format `fieldsV1`, which records field ownership for server-side apply.
///
/// `f:name` is a member, `k:{…}` an element of a list identified by its keys, `v:…` an element of a set; `.` is the node
/// itself.
struct FieldSet: Sendable, Hashable {
    /// Whether the node itself belongs to the set.
    var isMember = false
    var children: [String: FieldSet] = [:]

    var isEmpty: Bool { !isMember && children.isEmpty }

    init() {}

    /// All fields of a value.
    init(of value: JSONValue, listNamed name: String = "") {
        switch value {
        case .object(let members) where !members.isEmpty:
            for (name, member) in members { children["f:\(name)"] = FieldSet(of: member, listNamed: name) }
        case .array(let elements) where name == "finalizers":
            for element in elements { children["v:\(element)"] = .leaf }
        case .array(let elements) where !elements.isEmpty:
            guard let keys = ListKeys.applyKeys(ofListNamed: name, elements) else {
                isMember = true
                return
            }
            for element in elements {
                var child = FieldSet(of: element)
                child.isMember = true
                children[Self.step(of: element, keys)] = child
            }
        default: isMember = true
        }
    }

    static let leaf: FieldSet = {
        var set = FieldSet()
        set.isMember = true
        return set
    }()

    /// The key of a list's element in the set.
    static func step(of element: JSONValue, _ keys: [String]) -> String {
        var identity: [String: JSONValue] = [:]
        for key in keys { identity[key] = element[key] ?? (key == "protocol" ? "TCP" : nil) }
        return "k:\(JSONValue.object(identity))"
    }

    /// The fields whose values differ, and those that exist only in the new value.
    init(changedFrom old: JSONValue?, to new: JSONValue, listNamed name: String = "") {
        guard old != new else { return }
        switch (old, new) {
        case (.object(let before)?, .object(let after)):
            for (name, member) in after {
                let child = FieldSet(changedFrom: before[name], to: member, listNamed: name)
                if !child.isEmpty { children["f:\(name)"] = child }
            }
        case (.array(let before)?, .array(let after)):
            guard let keys = ListKeys.applyKeys(ofListNamed: name, after + before), !after.isEmpty else {
                isMember = true
                return
            }
            for element in after {
                let step = Self.step(of: element, keys)
                let previous = before.first { Self.step(of: $0, keys) == step }
                var child = FieldSet(changedFrom: previous, to: element)
                if previous == nil { child.isMember = true }
                if !child.isEmpty { children[step] = child }
            }
        default: self = FieldSet(of: new, listNamed: name)
        }
    }

    func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = isMember || other.isMember
        result.children.merge(other.children) { $0.union($1) }
        return result
    }

    func subtracting(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        result.isMember = isMember && !other.isMember
        for (step, child) in children {
            let rest = other.children[step].map(child.subtracting) ?? child
            if !rest.isEmpty { result.children[step] = rest }
        }
        return result
    }

    func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet()
        result.isMember = isMember && other.isMember
        for (step, child) in children {
            let both = other.children[step].map(child.intersection) ?? FieldSet()
            if !both.isEmpty { result.children[step] = both }
        }
        return result
    }

    /// The paths of the members, in the format of error messages: `.spec.ports[port=80].name`.
    func paths(_ prefix: String = "") -> [String] {
        (isMember ? [prefix] : [])
            + children.sorted { $0.key < $1.key }.flatMap { step, child in
                child.paths(prefix + (step.hasPrefix("f:") ? ".\(step.dropFirst(2))" : "[\(step.dropFirst(2))]"))
            }
    }

    /// The set in the format `fieldsV1`.
    var document: JSONValue {
        var members: [String: JSONValue] = [:]
        if isMember, !children.isEmpty { members["."] = [:] }
        for (step, child) in children { members[step] = child.document }
        return .object(members)
    }

    /// Parses `fieldsV1`.
    init(document: JSONValue) {
        let members = document.objectValue ?? [:]
        isMember = members.isEmpty || members["."] != nil
        for (step, child) in members where step != "." { children[step] = FieldSet(document: child) }
    }
}
