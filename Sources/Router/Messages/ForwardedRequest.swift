internal import Basics
internal import HTTPTransport
package import HTTPTypes

/// The head of a forwarded request.
struct ForwardedRequest {
    /// This service's name in `Via` (RFC 9110 section 7.6.3).
    static let pseudonym = "preview-gateway"

    let head: HTTPRequest

    /// - Parameters:
    ///   - request: The head as received; its authority is the client's `Host`.
    ///   - client: The client's address.
    ///   - id: The ID for a request without one.
    ///   - isChunked: Whether the body is sent in chunks (RFC 9112 section 7.1).
    init(_ request: HTTPRequest, client: String?, to base: BaseURL, id: String?, isChunked: Bool = false) {
        var fields = HopByHop.endToEndFields(of: request.headerFields)
        fields[.host] = nil
        if HopByHop.takesTrailers(request.headerFields) {
            fields.append(HTTPField(name: .te, value: "trailers"))
            fields.append(HTTPField(name: .connection, value: "TE"))
        }
        if let client { fields.add(client, to: .xForwardedFor) }
        if let host = request.authority { fields.add(host, to: .xForwardedHost) }
        // TLS ends at the gateway: clients reach this service over plain HTTP.
        fields.add("http", to: .xForwardedProto)
        fields.add("1.1 \(Self.pseudonym)", to: .via)
        if let id { fields[.xRequestID] = id }
        if isChunked { fields[.transferEncoding] = "chunked" }
        let path = request.path ?? "/"
        head = HTTPRequest(
            method: request.method,
            scheme: base.scheme,
            authority: base.authority,
            path: path == "*" ? path : base.pathPrefix + path,
            headerFields: fields
        )
    }
}

/// The head and the trailers of a forwarded response.
enum ForwardedResponse {
    /// - Parameter id: The request's ID, for a response without one.
    static func head(_ response: HTTPResponse, id: String) -> HTTPResponse {
        var fields = HopByHop.endToEndFields(of: response.headerFields)
        // Chunks say how long the body is (RFC 9112 section 6.3).
        if response.headerFields.contains(.transferEncoding) { fields[.contentLength] = nil }
        fields.add("1.1 \(ForwardedRequest.pseudonym)", to: .via)
        if !fields.contains(.xRequestID) { fields[.xRequestID] = id }
        return HTTPResponse(status: response.status, headerFields: fields)
    }

    /// Removes fields that must not be in trailers (RFC 9110 section 6.5.1).
    static func trailers(_ fields: HTTPFields?) -> HTTPFields? {
        guard let fields else { return nil }
        var rest = HopByHop.endToEndFields(of: fields)
        rest[.contentLength] = nil
        rest[.host] = nil
        return rest.isEmpty ? nil : rest
    }
}

extension HTTPFields {
    /// Adds an element to a list field; the last one is that of the nearest hop.
    fileprivate mutating func add(_ element: String, to name: HTTPField.Name) {
        guard contains(name) else { return append(HTTPField(name: name, value: element)) }
        self[name] = (self[values: name] + [element]).joined(separator: ", ")
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    static let host = Self("Host")!
    // swift-format-ignore: NeverForceUnwrap
    static let xForwardedFor = Self("X-Forwarded-For")!
    // swift-format-ignore: NeverForceUnwrap
    static let xForwardedHost = Self("X-Forwarded-Host")!
    // swift-format-ignore: NeverForceUnwrap
    static let xForwardedProto = Self("X-Forwarded-Proto")!
}

/// The fields that belong to one connection and not to the message (RFC 9110 section 7.6.1).
package enum HopByHop {
    private static let names: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
    ]

    /// The fields that a `Connection` field cannot remove: without them the message would have another meaning for its
    /// recipient.
    private static let protected: Set<String> = [
        "authorization", "content-encoding", "content-length", "content-range", "content-type", "cookie", "host",
        "set-cookie",
    ]

    /// The fields of `fields` that are for the recipient, in order.
    static func endToEndFields(of fields: HTTPFields) -> HTTPFields {
        let nominated = options(of: fields)
        var rest = HTTPFields()
        rest.reserveCapacity(fields.count + 4)
        for field in fields {
            let name = field.name.canonicalName
            guard !names.contains(name), !nominated.contains(name) || protected.contains(name) else { continue }
            rest.append(field)
        }
        return rest
    }

    /// Whether the sender sends nothing more on the connection (RFC 9112 section 9.6).
    package static func endsConnection(_ fields: HTTPFields) -> Bool {
        options(of: fields).contains("close")
    }

    /// The options of the `Connection` fields, in lower case.
    static func options(of fields: HTTPFields) -> Set<String> {
        list(fields[values: .connection])
    }

    /// Whether the sender accepts trailers (RFC 9110 section 10.1.4).
    static func takesTrailers(_ fields: HTTPFields) -> Bool {
        list(fields[values: .te]).contains("trailers")
    }

    private static func list(_ values: [String]) -> Set<String> {
        var elements: Set<String> = []
        for value in values {
            for element in value.split(separator: ",") {
                let name = element.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
                if !name.isEmpty { elements.insert(name.lowercased()) }
            }
        }
        return elements
    }
}

/// The ID of a request in all logs: the field `X-Request-ID`.
package struct RequestID: Hashable, CustomStringConvertible {
    /// The longest ID from a client that is forwarded.
    static let maxLength = 128

    package let description: String
    /// True if the request has none, so that it has to be added.
    package let isNew: Bool

    /// - Parameter random: Generates IDs.
    package init(of fields: HTTPFields, random: () -> UInt64 = { .random(in: .min ... .max) }) {
        let given = fields[.xRequestID] ?? ""
        isNew = !fields.contains(.xRequestID)
        if (1...Self.maxLength).contains(given.utf8.count), given.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) {
            description = given
        } else {
            description = RequestTrace.hexadecimal(random()) + RequestTrace.hexadecimal(random())
        }
    }
}
