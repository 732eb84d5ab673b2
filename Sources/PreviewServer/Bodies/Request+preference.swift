internal import HTTPTypes
internal import Hummingbird

extension Request {
    /// The query parameter `wait`: how many seconds the caller wants to wait for something else than what is there.
    ///
    /// - Throws: 400 for anything but whole seconds up to `longest`.
    func wait(atMost longest: Duration) throws(APIError) -> Duration {
        guard let text = uri.queryParameters["wait"] else { return .zero }
        let limit = longest.components.seconds
        guard let seconds = Int64(text), (0...limit).contains(seconds) else {
            throw APIError(.badRequest, "The parameter wait cannot be used: expected whole seconds from 0 to \(limit).")
        }
        return .seconds(seconds)
    }

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
