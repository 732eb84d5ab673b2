internal import Basics

/// Removes secrets from text of other sources, so that it can be logged.
///
/// An API server's message about a refused request names the object, and a preview's object is named after its token. A
/// known token is replaced by its fingerprint, so that messages can be matched; text that could contain a part of a
/// token, or a key, is replaced by a fixed word. Harmless words of the same format are lost too.
public enum SecretMask {
    /// The replacement for text that may be a secret.
    public static let placeholder = "(masked)"
    /// The most characters of a masked text.
    public static let maximumLength = 400

    /// The beginning of names that start like those of previews and contain no token.
    private static let harmless: Set<String> = [
        "preview-gateway", "preview-expires-at", "preview-max-until", "preview-run", "preview-run-id",
        "preview-claim-uid", "preview-token", "preview-owner", "preview-pod", "preview-pod-uid", "preview-target-port",
        "preview-started-at",
    ]
    /// A part of a name with so many base32 characters may be part of a token's random part, which has 26.
    private static let suspiciousLength = 16
    /// The same if there is a digit among them, as in most tokens and few words.
    private static let suspiciousLengthWithDigit = 8
    /// A word with so many letters and digits may be a key or a digest.
    private static let suspiciousWordLength = 20

    /// The text on one line of printable characters, without secrets, and cut to ``maximumLength`` characters.
    public static func mask(_ text: String) -> String {
        var masked = ""
        var name = ""
        for scalar in text.unicodeScalars {
            if isNameScalar(scalar) {
                name.unicodeScalars.append(scalar)
            } else {
                masked += maskName(name)
                name = ""
                masked.unicodeScalars.append(scalar.properties.isWhitespace || scalar.isControl ? " " : scalar)
            }
        }
        masked += maskName(name)
        guard masked.count > maximumLength else { return masked }
        return masked.prefix(maximumLength) + "..."
    }

    private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "-", "_", "+", "%": true
        default: false
        }
    }

    /// Masks a run of characters that names consist of: an object's name, one label of a host, or a word.
    private static func maskName(_ name: String) -> String {
        let lowercase = name.lowercased()
        if lowercase.hasPrefix("preview-") {
            guard !harmless.contains(lowercase) else { return name }
            return PreviewToken(objectName: lowercase).map { "preview-\(placeholder(of: $0))" } ?? placeholder
        }
        if lowercase.hasSuffix("-preview") {
            return PreviewToken(String(lowercase.dropLast("-preview".count))).map { "\(placeholder(of: $0))-preview" }
                ?? placeholder
        }
        guard name.split(separator: "-").contains(where: isSuspicious) else { return name }
        guard let token = PreviewToken(lowercase), hasMintedShape(lowercase) else { return placeholder }
        return placeholder(of: token)
    }

    private static func placeholder(of token: PreviewToken) -> String { "(\(token.fingerprint))" }

    /// Three words and 26 characters of base32, not part of a longer text.
    private static func hasMintedShape(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[3].utf8.count == 26 && parts[3].utf8.allSatisfy(isBase32)
    }

    private static func isSuspicious(_ part: Substring) -> Bool {
        let bytes = part.utf8
        let hasDigit = bytes.contains(where: \.isDigit)
        if hasDigit, bytes.count >= suspiciousWordLength { return true }
        let isOneCase = part.allSatisfy { !$0.isUppercase } || part.allSatisfy { !$0.isLowercase }
        guard isOneCase, part.lowercased().utf8.allSatisfy(isBase32) else { return false }
        return bytes.count >= (hasDigit ? suspiciousLengthWithDigit : suspiciousLength)
    }

    private static func isBase32(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "2")...UInt8(ascii: "7")).contains(byte)
    }
}

/// Shows a bounded part of untrusted input, in an error message or on a terminal.
public enum Excerpt {
    /// The most scalars of the input that are shown.
    public static let maximumScalars = 40

    /// The beginning of the text in quotes, with everything but printable ASCII escaped.
    ///
    /// - Returns: One line of ASCII, `"` and `\` escaped too, `…` spelled `...` after the quote when the text was cut.
    public static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars.prefix(maximumScalars) {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case " "..."~": result.unicodeScalars.append(scalar)
            default: result += escape(scalar)
            }
        }
        result += "\""
        let isCut = text.unicodeScalars.dropFirst(maximumScalars).first != nil
        return isCut ? result + "..." : result
    }

    /// The whole text on one line, with every character escaped that a terminal could interpret instead of showing it.
    ///
    /// Letters of all scripts stay as they are. Use it for what the cluster contains when a command prints it for people.
    public static func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if scalar.isControl {
                result += escape(scalar)
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String { "\\u{\(String(scalar.value, radix: 16))}" }
}

extension Unicode.Scalar {
    /// Whether it ends a line, controls how text is shown, or has no defined appearance.
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
        default: false
        }
    }
}
