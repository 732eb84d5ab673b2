import HTTPTypes

/// A request, independent of the connection on which it was received.
struct APIRequest: Sendable {
    var method: String
    /// The path, still percent-encoded, without the query.
    var path: String
    /// The query parameters; the first value of each name.
    var query: [String: String]
    var headers: HTTPFields
    var body: [UInt8]

    /// - Parameter target: The request target: the path and the query.
    init(method: String, target: String, headers: HTTPFields, body: [UInt8]) {
        self.method = method
        self.headers = headers
        self.body = body
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = String(parts[0])
        query = [:]
        for pair in parts.count > 1 ? parts[1].split(separator: "&") : [] {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.decode(sides[0], plusIsSpace: true)
            let value = sides.count > 1 ? Self.decode(sides[1], plusIsSpace: true) : ""
            if query[name] == nil { query[name] = value }
        }
    }

    /// The decoded segments of the path, without empty ones.
    var segments: [String] { path.split(separator: "/").map { Self.decode($0, plusIsSpace: false) } }

    /// Whether a boolean parameter is true.
    func flag(_ name: String) -> Bool { ["1", "true"].contains(query[name]?.lowercased()) }

    /// The value of an integer parameter; `nil` if it is absent.
    ///
    /// - Throws: ``StatusFailure`` with code 400 if it is not an integer of at least 0.
    func number(_ name: String) throws -> Int? {
        guard let text = query[name], !text.isEmpty else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw StatusFailure.badRequest("Invalid value: \"\(text)\": \(name) must be a whole number of at least 0")
        }
        return number
    }

    /// The media type of the body, without parameters.
    var contentType: String {
        let value = headers[.contentType] ?? ""
        return value.prefix { $0 != ";" }.filter { !$0.isWhitespace }.lowercased()
    }

    /// The bearer token (RFC 6750); `nil` if there is none.
    var bearerToken: String? {
        guard let value = headers[.authorization], value.lowercased().hasPrefix("bearer ") else { return nil }
        return String(value.dropFirst("bearer ".count))
    }

    /// The field manager: the parameter `fieldManager`, or the name in `User-Agent`, as kube-apiserver does it.
    var fieldManager: String {
        if let manager = query["fieldManager"], !manager.isEmpty { return manager }
        let client = (headers[.userAgent] ?? "").prefix { $0 != "/" && $0 != " " }
        return client.isEmpty ? "unknown" : String(client.prefix(128))
    }

    private static func decode(_ text: Substring, plusIsSpace: Bool) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
