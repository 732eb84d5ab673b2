/// A pointer to a value in a JSON document (RFC 6901).
struct JSONPointer: Sendable, Hashable {
    let tokens: [String]

    /// - Returns: `nil` if the text is not a pointer.
    init?(_ text: String) {
        guard text.isEmpty || text.hasPrefix("/") else { return nil }
        tokens = text.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { token in
            String(token).replacing("~1", with: "/").replacing("~0", with: "~")
        }
    }
}

extension String {
    /// The text with all occurrences of another text replaced.
    fileprivate func replacing(_ text: String, with replacement: String) -> String {
        var result = ""
        var rest = self[...]
        while let range = rest.firstRange(of: text) {
            result += rest[..<range.lowerBound] + replacement
            rest = rest[range.upperBound...]
        }
        return result + rest
    }
}
