/// A JSON Patch (RFC 6902).
struct JSONPatch: Sendable, Hashable {
    /// The reason for which a patch is not applied. Kubernetes responds to all of them with the same 422.
    enum Failure: Error, Hashable {
        /// The patch is not an array of objects with the members that their operations require.
        case malformed
        /// A `test` failed.
        case testFailed
        /// A path does not exist.
        case missingPath
        case unknownOperation
    }

    /// The maximum number of operations, as in kube-apiserver.
    static let maxOperations = 10_000

    private let operations: [JSONValue]

    /// - Throws: ``Failure/malformed``
    init(_ document: JSONValue) throws(Failure) {
        guard let operations = document.arrayValue, operations.allSatisfy({ $0.objectValue != nil }) else {
            throw .malformed
        }
        self.operations = operations
    }

    var operationCount: Int { operations.count }

    /// Applies all operations in order, or none of them.
    func apply(to document: inout JSONValue) throws(Failure) {
        var result = document
        for operation in operations { try apply(operation, to: &result) }
        document = result
    }

    private func apply(_ operation: JSONValue, to document: inout JSONValue) throws(Failure) {
        let path = try pointer(operation["path"])
        switch operation["op"]?.stringValue {
        case "add": try add(try value(of: operation), to: &document, at: path.tokens[...])
        case "remove": _ = try remove(from: &document, at: path.tokens[...])
        case "replace":
            let value = try value(of: operation)
            guard !path.tokens.isEmpty else {
                document = value
                return
            }
            // kube-apiserver's library allows replacing a missing member of an existing object.
            if try find(in: document, at: path.tokens[...]) != nil {
                _ = try remove(from: &document, at: path.tokens[...])
            }
            try add(value, to: &document, at: path.tokens[...])
        case "move":
            let moved = try remove(from: &document, at: try pointer(operation["from"]).tokens[...])
            try add(moved, to: &document, at: path.tokens[...])
        case "copy":
            guard let copied = try find(in: document, at: try pointer(operation["from"]).tokens[...]) else {
                throw .missingPath
            }
            try add(copied, to: &document, at: path.tokens[...])
        case "test":
            // A missing member equals null; a missing parent is an error.
            let found = try find(in: document, at: path.tokens[...]) ?? .null
            guard found.equalsNumerically(operation["value"] ?? .null) else { throw .testFailed }
        default: throw .unknownOperation
        }
    }

    private func pointer(_ text: JSONValue?) throws(Failure) -> JSONPointer {
        guard let text = text?.stringValue, let pointer = JSONPointer(text) else { throw .malformed }
        return pointer
    }

    private func value(of operation: JSONValue) throws(Failure) -> JSONValue {
        guard let value = operation["value"] else { throw .malformed }
        return value
    }

    private func find(in document: JSONValue, at path: ArraySlice<String>) throws(Failure) -> JSONValue? {
        guard let token = path.first else { return document }
        let child: JSONValue?
        switch document {
        case .object(let members): child = members[token]
        case .array(let elements):
            guard let index = index(token, upTo: elements.count - 1) else { throw .missingPath }
            child = elements[index]
        default: throw .missingPath
        }
        guard path.count > 1 else { return child }
        guard let child else { throw .missingPath }
        return try find(in: child, at: path.dropFirst())
    }

    private func add(_ value: JSONValue, to document: inout JSONValue, at path: ArraySlice<String>) throws(Failure) {
        guard let token = path.first else {
            document = value
            return
        }
        switch document {
        case .object(var members):
            if path.count == 1 {
                members[token] = value
            } else {
                guard var child = members[token] else { throw .missingPath }
                try add(value, to: &child, at: path.dropFirst())
                members[token] = child
            }
            document = .object(members)
        case .array(var elements):
            if path.count == 1 {
                guard let index = token == "-" ? elements.count : index(token, upTo: elements.count) else {
                    throw .missingPath
                }
                elements.insert(value, at: index)
            } else {
                guard let index = index(token, upTo: elements.count - 1) else { throw .missingPath }
                try add(value, to: &elements[index], at: path.dropFirst())
            }
            document = .array(elements)
        default: throw .missingPath
        }
    }

    private func remove(from document: inout JSONValue, at path: ArraySlice<String>) throws(Failure) -> JSONValue {
        guard let token = path.first else { throw .missingPath }
        let removed: JSONValue
        switch document {
        case .object(var members):
            guard var child = members[token] else { throw .missingPath }
            if path.count == 1 {
                removed = child
                members[token] = nil
            } else {
                removed = try remove(from: &child, at: path.dropFirst())
                members[token] = child
            }
            document = .object(members)
        case .array(var elements):
            guard let index = index(token, upTo: elements.count - 1) else { throw .missingPath }
            if path.count == 1 {
                removed = elements.remove(at: index)
            } else {
                removed = try remove(from: &elements[index], at: path.dropFirst())
            }
            document = .array(elements)
        default: throw .missingPath
        }
        return removed
    }

    /// The array index of a token: digits without a leading zero, at most `last`; otherwise `nil`.
    private func index(_ token: String, upTo last: Int) -> Int? {
        guard let index = Int(token), String(index) == token, (0...max(last, 0)).contains(index), index <= last else {
            return nil
        }
        return index
    }
}

extension JSONValue {
    /// Whether the values are equal. An integer equals the same number written with a fraction.
    fileprivate func equalsNumerically(_ other: JSONValue) -> Bool {
        switch (self, other) {
        case (.int(let left), .double(let right)), (.double(let right), .int(let left)): Double(left) == right
        case (.array(let left), .array(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.equalsNumerically($1) }
        case (.object(let left), .object(let right)):
            left.count == right.count
                && left.allSatisfy { name, value in right[name].map(value.equalsNumerically) ?? false }
        default: self == other
        }
    }
}
