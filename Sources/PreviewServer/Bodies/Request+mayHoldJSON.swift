internal import HTTPTypes
internal import Hummingbird

extension Request {
    /// False when the request says that its body is something else than JSON.
    var mayHoldJSON: Bool {
        guard let type = headers[.contentType] else { return true }
        let mediaType = type.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
        return mediaType == "application/json" || mediaType.hasSuffix("+json")
    }
}
