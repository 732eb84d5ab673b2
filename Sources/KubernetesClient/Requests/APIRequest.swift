import Basics
import HTTPTypes
import KubernetesModel

/// A request to the API server, without its credential.
struct APIRequest: Sendable {
    var verb: RequestVerb
    /// The resource's plural, or a fixed word.
    var resource: String
    /// The path and query below the server's URL.
    var path: String
    var accept = MediaType.json
    var contentType: String?
    var body: [UInt8] = []
    /// Whether it uses a new, separate connection.
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

/// The requested format of the response (Kubernetes API concepts, "Metadata-only fetches").
enum MediaType {
    static let json = "application/json"
    static let partialObject = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    static let partialObjectList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
}

/// Builds the paths of the API (Kubernetes API concepts, "Resource URIs").
struct APIPath {
    private var segments: [String]
    private var query: [(name: String, value: String)] = []

    /// The path of a collection.
    ///
    /// - Parameters:
    ///   - resource: The kind of objects.
    ///   - version: One of its versions.
    ///   - namespace: The namespace; `nil` for all, or for cluster-wide kinds.
    /// - Throws: ``KubernetesError`` of kind ``KubernetesError/Kind/rejected`` if the namespace is invalid.
    init(_ resource: APIResource, version: String, namespace: String?) throws {
        segments = resource.group.isEmpty ? ["api", version] : ["apis", resource.group, version]
        if let namespace {
            guard resource.namespaced else {
                throw KubernetesError(.rejected, "\(resource.plural) have no namespace")
            }
            segments += ["namespaces", try Self.checked(namespace, "namespace")]
        }
        segments.append(resource.plural)
    }

    /// The path of one object.
    ///
    /// With an empty name it would be the path of the collection, and a delete would delete everything.
    func object(_ name: String, of resource: APIResource, in namespace: String?) throws -> APIPath {
        try Self.requireNamespace(namespace, resource)
        var path = self
        path.segments.append(try Self.checked(name, "name"))
        return path
    }

    /// Refuses a request for one object of a namespaced kind without a namespace.
    static func requireNamespace(_ namespace: String?, _ resource: APIResource) throws {
        guard namespace != nil || !resource.namespaced else {
            throw KubernetesError(.rejected, "a request for one of the \(resource.plural) requires a namespace")
        }
    }

    /// Adds a query parameter, unless it has no value.
    mutating func add(_ name: String, _ value: String?) {
        if let value { query.append((name, value)) }
    }

    /// The path and query, percent-encoded.
    var text: String {
        var text = ""
        for segment in segments {
            text += "/"
            text += Self.encode(segment)
        }
        if !query.isEmpty {
            text += "?" + query.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }.joined(separator: "&")
        }
        return text
    }

    private static func checked(_ segment: String, _ field: String) throws -> String {
        guard !segment.isEmpty, segment != ".", segment != "..",
            !segment.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "%") })
        else {
            throw KubernetesError(.rejected, "the \(field) is not valid for an object")
        }
        return segment
    }

    /// Leaves only the unreserved characters of RFC 3986 as they are.
    static func encode(_ text: String) -> String {
        // Names, namespaces and kinds consist only of these characters.
        guard !text.utf8.allSatisfy(isUnreserved) else { return text }
        var encoded = ""
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return encoded
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || "-._~".utf8.contains(byte)
    }
}
