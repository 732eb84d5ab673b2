/// A label selector in the text form of the query parameter `labelSelector`.
///
/// Requirements are joined by "and" (Kubernetes documentation, "Labels and Selectors").
public struct LabelSelector: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The selector as the server reads it, for example `app=web,tier in (a,b)`.
    public let description: String

    /// Takes a selector in its text form.
    public init(_ text: String) {
        description = text
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// Selects objects that carry every one of `labels` with exactly these values.
    ///
    /// The text is sorted by key, so that equal selectors are equal texts.
    public init(matching labels: [String: String]) {
        description = labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// Selects objects that carry the label `key`, whatever its value.
    public static func exists(_ key: String) -> LabelSelector {
        LabelSelector(key)
    }
}

/// A field selector in the text form of the query parameter `fieldSelector`, for example `metadata.name=web`.
///
/// Custom resources support only `metadata.name` and `metadata.namespace`.
public struct FieldSelector: Hashable, Sendable, CustomStringConvertible, ExpressibleByStringLiteral {
    /// The selector as the server reads it.
    public let description: String

    /// Takes a selector in its text form.
    public init(_ text: String) {
        description = text
    }

    public init(stringLiteral value: String) {
        self.init(value)
    }

    /// Selects the one object called `name`.
    public static func name(_ name: String) -> FieldSelector {
        FieldSelector("metadata.name=\(name)")
    }
}
