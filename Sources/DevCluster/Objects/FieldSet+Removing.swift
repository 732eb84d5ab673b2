extension FieldSet {
    /// Removes the fields of this set from a value, and objects and lists that become empty by that.
    func remove(from value: inout JSONValue, listNamed name: String = "") {
        switch value {
        case .object(var members):
            for (step, child) in children where step.hasPrefix("f:") {
                let member = String(step.dropFirst(2))
                guard var old = members[member] else { continue }
                if child.children.isEmpty {
                    members[member] = nil
                } else {
                    child.remove(from: &old, listNamed: member)
                    members[member] = old == [:] || old == [] ? nil : old
                }
            }
            value = .object(members)
        case .array(let elements):
            if name == "finalizers" {
                value = .array(elements.filter { children["v:\($0)"] == nil })
                return
            }
            guard let keys = ListKeys.applyKeys(ofListNamed: name, elements) else { return }
            value = .array(
                elements.compactMap { element in
                    guard let child = children[FieldSet.step(of: element, keys)] else { return element }
                    if child.isMember { return nil }
                    var element = element
                    child.remove(from: &element)
                    return element
                }
            )
        default: break
        }
    }
}
