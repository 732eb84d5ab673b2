/// Any JSON value, as the API server stores and compares it.
///
/// Integers of up to 64 bits are exact; all other numbers are stored as `Double`. The members of an object have no order;
/// ``JSONWriter`` sorts them.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case int(Int64)
    case double(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])
}

extension JSONValue {
    /// The value at a path of member names; `nil` if a member is missing or its parent is not an object.
    ///
    /// Setting a value creates missing objects on the path; setting `nil` removes the member. JSON's `null` is ``null``.
    package subscript(_ path: String...) -> JSONValue? {
        get { self[path: path[...]] }
        set { self[path: path[...]] = newValue }
    }

    /// The value at a path of member names that is computed at run time.
    package subscript(path path: ArraySlice<String>) -> JSONValue? {
        get {
            var value = self
            for name in path {
                guard case .object(let members) = value, let member = members[name] else { return nil }
                value = member
            }
            return value
        }
        set {
            guard let name = path.first else {
                self = newValue ?? .null
                return
            }
            var members: [String: JSONValue] = [:]
            if case .object(let existing) = self {
                members = existing
            } else if newValue == nil {
                return
            }
            // Releases this value's own reference, so that the members are changed in place.
            self = .null
            defer { self = .object(members) }
            if path.count == 1 {
                members[name] = newValue
            } else if var member = members[name] {
                members[name] = .null
                member[path: path.dropFirst()] = newValue
                members[name] = member
            } else if newValue != nil {
                var member = JSONValue.object([:])
                member[path: path.dropFirst()] = newValue
                members[name] = member
            }
        }
    }

    /// The element of an array; `nil` if it does not exist.
    package subscript(_ index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The string; `nil` for other values.
    package var stringValue: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    /// The integer; `nil` for other values.
    package var intValue: Int? {
        guard case .int(let number) = self else { return nil }
        return Int(number)
    }

    /// The boolean; `nil` for other values.
    package var boolValue: Bool? {
        guard case .bool(let flag) = self else { return nil }
        return flag
    }

    /// The elements of an array; `nil` for other values.
    package var arrayValue: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    /// The members of an object; `nil` for other values.
    package var objectValue: [String: JSONValue]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    /// Whether it is JSON `null`.
    package var isNull: Bool { self == .null }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self = .string(value) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    package init(integerLiteral value: Int64) { self = .int(value) }
}

extension JSONValue: ExpressibleByFloatLiteral {
    package init(floatLiteral value: Double) { self = .double(value) }
}

extension JSONValue: ExpressibleByBooleanLiteral {
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByArrayLiteral {
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { _, last in last }))
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as compact JSON.
    package var description: String { String(decoding: JSONWriter.bytes(of: self), as: UTF8.self) }
}
