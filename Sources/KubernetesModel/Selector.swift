/// A label selector in the format of the query parameter `labelSelector`.
///
/// All requirements must match (Kubernetes documentation, "Labels and Selectors").
public struct LabelSelector: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The text of the selector, for example `app=web,tier in (a,b)`.
    public let description: String

    /// Creates a selector from its text.
    public init(_ text: String) {
        description = text
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// Selects objects that have all of `labels` with exactly these values.
    ///
    /// The requirements are sorted by key, so that equal selectors have equal texts.
    public init(matching labels: [String: String]) {
        description = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// Selects objects that have the label `key` with any value.
    public static func exists(_ key: String) -> LabelSelector {
        LabelSelector(key)
    }
}

/// A field selector in the format of the query parameter `fieldSelector`, for example `metadata.name=web`.
///
/// Custom resources support `metadata.name` and `metadata.namespace`, and since Kubernetes 1.31 the fields in
/// `selectableFields` of their definition.
public struct FieldSelector: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The text of the selector.
    public let description: String

    /// Creates a selector from its text.
    public init(_ text: String) {
        description = text
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// Selects the object with this name.
    public static func name(_ name: String) -> FieldSelector {
        FieldSelector("metadata.name=\(name)")
    }
}
