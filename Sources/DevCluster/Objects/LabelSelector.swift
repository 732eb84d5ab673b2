/// A label selector in the format of the query parameter (Kubernetes, "Labels and Selectors"): `a=b,c!=d,e in (f,g),h notin
/// (i),j,!k`.
package struct LabelSelector: Sendable, Hashable {
    enum Requirement: Sendable, Hashable {
        case has(String)
        case lacks(String)
        case isOneOf(String, Set<String>)
        case isNoneOf(String, Set<String>)
    }

    private(set) var requirements: [Requirement] = []

    /// Parses a selector; an empty text selects all objects.
    ///
    /// - Throws: ``StatusFailure`` with code 400 if the text is malformed.
    package init(_ text: String) throws {
        for part in try Self.split(text) {
            guard let requirement = Self.requirement(part) else {
                throw StatusFailure.badRequest("unable to parse requirement: found '\(part)' in \"\(text)\"")
            }
            requirements.append(requirement)
        }
    }

    /// Whether labels meet all requirements. A missing label meets `!=` and `notin`.
    package func matches(_ labels: [String: String]) -> Bool {
        requirements.allSatisfy { requirement in
            switch requirement {
            case .has(let name): labels[name] != nil
            case .lacks(let name): labels[name] == nil
            case .isOneOf(let name, let values): labels[name].map(values.contains) ?? false
            case .isNoneOf(let name, let values): !(labels[name].map(values.contains) ?? false)
            }
        }
    }

    /// Splits a selector at the commas outside of parentheses.
    private static func split(_ text: String) throws -> [String] {
        var parts: [String] = []
        var part = ""
        var depth = 0
        for character in text {
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
            if character == ",", depth == 0 {
                parts.append(part)
                part = ""
            } else {
                part.append(character)
            }
        }
        guard depth == 0 else { throw StatusFailure.badRequest("unable to parse requirement: unbalanced parentheses") }
        parts.append(part)
        let trimmed = parts.map { trim($0[...]) }
        return trimmed == [""] ? [] : trimmed
    }

    private static func requirement(_ part: String) -> Requirement? {
        for word in [" notin ", " in ", " notin(", " in("] {
            guard let range = part.firstRange(of: word) else { continue }
            let name = trim(part[..<range.lowerBound])
            var list = trim(part[range.upperBound...])
            if list.hasPrefix("(") { list.removeFirst() }
            guard list.hasSuffix(")"), isName(name) else { return nil }
            let values = list.dropLast().split(separator: ",", omittingEmptySubsequences: false).map { trim($0) }
            guard values.allSatisfy(isValue) else { return nil }
            return word.contains("notin") ? .isNoneOf(name, Set(values)) : .isOneOf(name, Set(values))
        }
        for sign in ["!=", "==", "="] {
            guard let range = part.firstRange(of: sign) else { continue }
            let name = trim(part[..<range.lowerBound])
            let value = trim(part[range.upperBound...])
            guard isName(name), isValue(value) else { return nil }
            return sign == "!=" ? .isNoneOf(name, [value]) : .isOneOf(name, [value])
        }
        if part.hasPrefix("!") {
            let name = trim(part.dropFirst())
            return isName(name) ? .lacks(name) : nil
        }
        return isName(part) ? .has(part) : nil
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { ($0.isASCII && ($0.isLetter || $0.isNumber)) || "-_./".contains($0) }
    }

    private static func isValue(_ text: String) -> Bool {
        text.isEmpty || (isName(text) && !text.contains("/"))
    }

    private static func trim(_ text: Substring) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
