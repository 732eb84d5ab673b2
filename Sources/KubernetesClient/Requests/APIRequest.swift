import HTTPTypes

/// A request to the API server, before it has a credential.
struct APIRequest: Sendable {
    var verb: RequestVerb
    /// The resource's plural, or a fixed word.
    var resource: String
    /// The path and query below the server's URL.
    var path: String
    var accept = MediaType.json
    var contentType: String?
    var body: [UInt8] = []
    /// Whether it gets a new connection, which nothing else uses.
    var usesOwnConnection = false

    var operation: String { "\(verb.rawValue) \(resource)" }

    var method: HTTPRequest.Method {
        switch verb {
        case .get, .list, .watch, .probe: .get
        case .create: .post
        case .patch: .patch
        case .delete: .delete
        }
    }
}

/// What the client asks the server to answer in (Kubernetes API concepts, "Metadata-only fetches").
enum MediaType {
    static let json = "application/json"
    static let partialObject = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    static let partialObjectList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
}
