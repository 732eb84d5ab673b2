/// The response to a request.
enum APIResponse: Sendable {
    /// A JSON document.
    case document(status: Int, JSONValue, contentType: String = "application/json", warnings: [String] = [])
    /// Plain text.
    case text(status: Int, String)
    /// A stream of changes.
    case watch(WatchResponse)

    static func failure(_ failure: StatusFailure) -> APIResponse {
        .document(status: failure.code, failure.status)
    }
}

/// A started watch.
struct WatchResponse: Sendable {
    let kind: ResourceKind
    let changes: ObjectChanges
    /// The resourceVersion after which the watch begins; 0 if it begins with the objects.
    let startVersion: Int
    /// Converts objects to the form that the client requested.
    let representation: Representation
    /// The number of seconds after which the server ends the watch.
    let timeoutSeconds: Int
    let allowsBookmarks: Bool
    let warnings: [String]
}
