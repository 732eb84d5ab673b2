internal import Basics
internal import CoreAPI
internal import HTTPTransport
internal import HTTPTypes

/// The head of a request as it goes to the core API.
struct ForwardedRequest {
    /// This service's name in `Via` (RFC 9110 section 7.6.3).
    static let pseudonym = "preview-gateway"

    let head: HTTPRequest

    /// - Parameters:
    ///   - request: The head as it came; its authority is the client's `Host`.
    ///   - client: The address that it came from.
    ///   - id: The request's id, where it brought none.
    init(_ request: HTTPRequest, client: String?, scheme: String, to base: BaseURL, id: String?) {
        var fields = HopByHop.removed(from: request.headerFields)
        fields[.host] = nil
        if HopByHop.takesTrailers(request.headerFields) {
            fields.append(HTTPField(name: .te, value: "trailers"))
            fields.append(HTTPField(name: .connection, value: "TE"))
        }
        if let client { fields.add(client, to: .xForwardedFor) }
        if let host = request.authority { fields.add(host, to: .xForwardedHost) }
        fields.add(scheme, to: .xForwardedProto)
        fields.add("1.1 \(Self.pseudonym)", to: .via)
        if let id { fields[.xRequestID] = id }
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

/// The head and the trailers of the core API's answer as they go to the client.
enum ForwardedAnswer {
    /// - Parameter id: The request's id, for an answer that has none.
    static func head(_ response: HTTPResponse, id: String) -> HTTPResponse {
        var fields = HopByHop.removed(from: response.headerFields)
        fields.add("1.1 \(ForwardedRequest.pseudonym)", to: .via)
        if !fields.contains(.xRequestID) { fields[.xRequestID] = id }
        return HTTPResponse(status: response.status, headerFields: fields)
    }

    /// Without what must not be in trailers (RFC 9110 section 6.5.1).
    static func trailers(_ fields: HTTPFields?) -> HTTPFields? {
        guard let fields else { return nil }
        var rest = HopByHop.removed(from: fields)
        rest[.contentLength] = nil
        rest[.host] = nil
        return rest.isEmpty ? nil : rest
    }
}

extension HTTPFields {
    /// Adds an element to a field that is a list; the last is the nearest hop's.
    fileprivate mutating func add(_ element: String, to name: HTTPField.Name) {
        let before = self[values: name]
        self[name] = (before + [element]).joined(separator: ", ")
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
