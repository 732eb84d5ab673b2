/// In which of the protocol's two formats a client takes an answer (RFC 9110, 12.5.1).
struct AcceptedFormats: Hashable, Sendable {
    let json: Bool
    let eventStream: Bool

    /// - Parameter accept: The header `Accept`. Without it a client takes anything, and gets the simpler one.
    init(_ accept: String?) {
        guard let accept else {
            json = true
            eventStream = false
            return
        }
        let types = Set(accept.split(separator: ",").compactMap(Self.mediaType))
        json = !types.isDisjoint(with: ["application/json", "application/*", "*/*"])
        eventStream = !types.isDisjoint(with: ["text/event-stream", "text/*", "*/*"])
    }

    /// The media type of one element; nil when the client says that it does not want it.
    private static func mediaType(_ element: Substring) -> String? {
        let parts = element.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
        let isRefused = parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
        return isRefused ? nil : parts.first
    }
}
