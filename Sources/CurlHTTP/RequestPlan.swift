import HTTPTransport
import HTTPTypes

/// A validated request in the form that libcurl takes. It is made on the caller's side of the thread boundary.
///
/// Field names, field values and the method cannot contain line breaks, because their types reject them.
struct RequestPlan: Sendable {
    /// The framing of the request's body.
    enum Framing: Sendable {
        /// No body, and no `Content-Length`.
        case none
        /// `HEAD`: no body in either direction.
        case headOnly
        /// A body of known length, which may be zero.
        case body([UInt8])
    }

    let method: String
    let url: String
    /// Scheme and authority. Requests with the same origin may share connections.
    let origin: String
    /// Header lines in the format of `CURLOPT_HTTPHEADER`.
    let headerLines: [String]
    let framing: Framing
    /// The entry for `CURLOPT_CONNECT_TO`, if the TLS server name or the address to connect to differs from the URL's host.
    let connectTo: String?
    /// Host names that must not appear in errors, because a preview's URL is secret.
    let privateNames: [String]
    /// True when the request may be sent a second time after the connection broke.
    let isReplayable: Bool
    /// Whether the request gets a separate connection.
    let usesOwnConnection: Bool

    /// Whether the request has a body of at least one byte.
    var hasBody: Bool {
        if case .body(let bytes) = framing { !bytes.isEmpty } else { false }
    }

    /// Whether the request is sent without TLS, and therefore over HTTP/1.1.
    var isPlainText: Bool { url.utf8.starts(with: "http:".utf8) }

    init(_ request: TransportRequest, serverName: String?) throws(TransportError) {
        let head = request.head
        let scheme = head.scheme?.lowercased() ?? ""
        guard scheme == "http" || scheme == "https" else {
            throw TransportError(.invalidRequest, "the URL's scheme is neither http nor https")
        }
        guard let path = head.path, path.utf8.first == UInt8(ascii: "/"), path.utf8.allSatisfy(Self.isPathByte) else {
            throw TransportError(.invalidRequest, "the URL's path is malformed")
        }
        guard let text = head.authority, let authority = Authority(text) else {
            throw TransportError(.invalidRequest, "the URL's authority is malformed")
        }
        method = head.method.rawValue
        guard method != "CONNECT" else { throw TransportError(.invalidRequest, "the method CONNECT is not supported") }
        framing = try Self.framing(of: request)
        usesOwnConnection = request.usesOwnConnection
        isReplayable = request.mayBeRepeated
        origin = "\(scheme)://\(text)"
        headerLines = try Self.headerLines(for: request, framing: framing, hostFor: serverName.map { _ in text })
        if let serverName, scheme == "https" {
            let port = authority.port ?? "443"
            url = "https://\(serverName):\(port)\(path)"
            connectTo = "::\(authority.host):\(port)"
            privateNames = [text, authority.host, serverName]
        } else {
            url = "\(scheme)://\(text)\(path)"
            connectTo = request.connectAddress.map { $0.contains(":") ? "::[\($0)]:" : "::\($0):" }
            privateNames = [text, authority.host]
        }
    }

    private static func framing(of request: TransportRequest) throws(TransportError) -> Framing {
        switch request.head.method {
        case .head where !request.body.isEmpty:
            throw TransportError(.invalidRequest, "a HEAD request has no body")
        case .head:
            return .headOnly
        // A length of zero is sent only for methods that expect a body (RFC 9110 section 8.6).
        case .post, .put, .patch:
            return .body(request.body)
        default:
            return request.body.isEmpty ? .none : .body(request.body)
        }
    }

    private static func headerLines(
        for request: TransportRequest,
        framing: Framing,
        hostFor authority: String?
    ) throws(TransportError) -> [String] {
        let fields = request.head.headerFields
        guard !fields.contains(.transferEncoding) else {
            throw TransportError(.invalidRequest, "the transport frames the body itself, without Transfer-Encoding")
        }
        if let length = fields[.contentLength], length != String(request.body.count) {
            throw TransportError(.invalidRequest, "Content-Length contradicts the body")
        }
        var lines: [String] = []
        lines.reserveCapacity(fields.count + 4)
        for field in fields where field.name != .contentLength {
            // libcurl writes an empty value as a semicolon; a colon without a value removes the header.
            lines.append(field.value.isEmpty ? "\(field.name.rawName);" : "\(field.name.rawName): \(field.value)")
        }
        if let authority, !fields.contains(where: { $0.name.canonicalName == "host" }) {
            lines.append("Host: \(authority)")
        }
        if !fields.contains(.accept) { lines.append("Accept:") }
        if case .body = framing {
            if !fields.contains(.contentType) { lines.append("Content-Type:") }
            if !fields.contains(.expect) { lines.append("Expect:") }
        }
        return lines
    }

    /// Whether the byte is printable ASCII other than `#`, at which libcurl would cut the URL off.
    private static func isPathByte(_ byte: UInt8) -> Bool {
        (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "#")
    }
}

/// The authority of a URL without user information: `host`, `host:port` or `[address]:port` (RFC 3986 section 3.2).
struct Authority {
    /// The host, in brackets if it is an IPv6 address.
    let host: String
    let port: String?

    /// Parses an authority; `nil` if `text` is malformed or contains user information, which libcurl would send as credentials.
    init?(_ text: String) {
        guard !text.isEmpty, text.utf8.allSatisfy(Self.isAuthorityByte) else { return nil }
        let hostEnd: String.Index
        if text.utf8.first == UInt8(ascii: "[") {
            guard let bracket = text.firstIndex(of: "]") else { return nil }
            hostEnd = text.index(after: bracket)
        } else {
            hostEnd = text.firstIndex(of: ":") ?? text.endIndex
        }
        let rest = text[hostEnd...]
        host = String(text[..<hostEnd])
        guard !host.isEmpty else { return nil }
        if rest.isEmpty {
            port = nil
        } else {
            let digits = rest.dropFirst()
            guard rest.first == ":", digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = UInt16(digits), number > 0
            else { return nil }
            port = String(digits)
        }
    }

    private static func isAuthorityByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]"):
            true
        default:
            false
        }
    }
}
