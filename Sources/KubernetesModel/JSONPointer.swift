/// The path to a member of a JSON document (RFC 6901).
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// The unescaped reference tokens from the root.
    public let tokens: [String]

    /// Points at the member reached by `tokens`, for example
    /// `JSONPointer("metadata", "annotations", "agentweaver.dev/preview-run")`.
    public init(_ tokens: String...) {
        self.tokens = tokens
    }

    /// Points at the member `token` of what this pointer names.
    public func appending(_ token: String) -> JSONPointer {
        JSONPointer(tokens: tokens + [token])
    }

    /// The annotation `key` of an object.
    public static func annotation(_ key: String) -> JSONPointer {
        JSONPointer("metadata", "annotations", key)
    }

    /// The label `key` of an object.
    public static func label(_ key: String) -> JSONPointer {
        JSONPointer("metadata", "labels", key)
    }

    /// The pointer's text, in which `~` is written `~0` and `/` is written `~1`.
    public var description: String {
        tokens.map { token in
            var escaped = "/"
            for character in token.unicodeScalars {
                switch character {
                case "~": escaped += "~0"
                case "/": escaped += "~1"
                default: escaped.unicodeScalars.append(character)
                }
            }
            return escaped
        }.joined()
    }

    private init(tokens: [String]) {
        self.tokens = tokens
    }
}
