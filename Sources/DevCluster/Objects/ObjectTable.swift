/// The objects of one kind, sorted by key.
struct ObjectTable {
    private(set) var objects: [ObjectKey: JSONValue] = [:]
    /// The sorted keys of ``objects``, so that lists and pages need no sorting.
    private(set) var keys: [ObjectKey] = []

    subscript(key: ObjectKey) -> JSONValue? {
        get { objects[key] }
        set {
            let old = objects.updateValueOrRemove(newValue, forKey: key)
            if old == nil, newValue != nil {
                keys.insert(key, at: firstIndex(notBefore: key))
            } else if old != nil, newValue == nil {
                keys.remove(at: firstIndex(notBefore: key))
            }
        }
    }

    /// The objects in a namespace, or all if it is `nil`, sorted.
    func items(in namespace: String?) -> [(key: ObjectKey, object: JSONValue)] {
        let range: ArraySlice<ObjectKey>
        if let namespace {
            let start = firstIndex(notBefore: ObjectKey(namespace: namespace, name: ""))
            range = keys[start...].prefix { $0.namespace == namespace }
        } else {
            range = keys[...]
        }
        return range.compactMap { key in objects[key].map { (key, $0) } }
    }

    private func firstIndex(notBefore key: ObjectKey) -> Int {
        var range = keys.startIndex..<keys.endIndex
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            range = keys[middle] < key ? (middle + 1)..<range.upperBound : range.lowerBound..<middle
        }
        return range.lowerBound
    }
}

extension Dictionary {
    /// Sets or removes a value, and returns the previous one.
    fileprivate mutating func updateValueOrRemove(_ value: Value?, forKey key: Key) -> Value? {
        if let value { updateValue(value, forKey: key) } else { removeValue(forKey: key) }
    }
}
