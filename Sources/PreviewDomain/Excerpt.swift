/// Shows a bounded part of hostile input to people, in an error sentence or on a terminal.
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
            default: result += "\\u{\(String(scalar.value, radix: 16))}"
            }
        }
        result += "\""
        let isCut = text.unicodeScalars.dropFirst(maximumScalars).first != nil
        return isCut ? result + "..." : result
    }
}
