internal import HTTPTypes
internal import Hummingbird

extension Request {
    /// Whether the caller would rather be told where to look than wait (RFC 7240, section 4.1).
    var prefersAsynchronousAnswer: Bool {
        guard let name = HTTPField.Name("Prefer") else { return false }
        return headers[values: name].contains { value in
            value.split(separator: ",").contains { preference in
                let name = preference.prefix { $0 != ";" && $0 != "=" }
                return name.filter { !$0.isWhitespace }.lowercased() == "respond-async"
            }
        }
    }
}
