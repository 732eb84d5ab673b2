/// What the API says to a request.
enum APIAnswer: Sendable {
    /// A JSON document.
    case document(status: Int, JSONValue, contentType: String = "application/json", warnings: [String] = [])
    /// Plain text.
    case text(status: Int, String)
    /// A stream of changes.
    case watch(WatchAnswer)

    static func failure(_ failure: StatusFailure) -> APIAnswer {
        .document(status: failure.code, failure.status)
    }
}

/// A watch that has begun.
struct WatchAnswer: Sendable {
    let kind: ResourceKind
    let changes: ObjectChanges
    /// Turns objects into what the client asked for.
    let representation: Representation
    /// Seconds until the server ends the watch.
    let timeoutSeconds: Int
    let allowsBookmarks: Bool
    let warnings: [String]
}
