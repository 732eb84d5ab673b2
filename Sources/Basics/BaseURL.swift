internal import FoundationEssentials

/// The URL of an HTTP server, optionally with a path prefix for all requests.
public struct BaseURL: Hashable, Sendable, CustomStringConvertible {
    /// `https` or `http`.
    public let scheme: String
    /// The host and the port. An IPv6 address is in brackets.
    public let authority: String
    /// The prefix of all request paths, without a trailing slash; often empty.
    public let pathPrefix: String

    /// The allowed values, as the end of the sentence "expected …".
    public static let expectation =
        "an http or https URL without user name, query and fragment, for example https://api.example.com"

    /// Parses a URL. Trailing slashes are ignored.
    ///
    /// - Throws: ``InvalidBaseURL``. Its description does not contain the text, which may contain a password.
    public init(_ text: String) throws(InvalidBaseURL) {
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), let url = URL(string: text),
            let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
            let start = text.firstRange(of: "://")?.upperBound,
            let host = url.host(), !host.isEmpty,
            url.user == nil, url.password == nil, url.query == nil, url.fragment == nil,
            url.port.map({ (1...65535).contains($0) }) ?? true
        else { throw InvalidBaseURL() }
        let rest = text[start...]
        let authority = rest.prefix { $0 != "/" }
        guard authority.last != ":", authority.utf8.allSatisfy(Self.isInAuthority) else { throw InvalidBaseURL() }
        var prefix = rest.dropFirst(authority.count)
        while prefix.last == "/" { prefix = prefix.dropLast() }
        self.scheme = scheme
        self.authority = String(authority)
        pathPrefix = String(prefix)
    }

    /// Creates a URL from a host and a port, as the environment of a pod contains them.
    ///
    /// - Parameters:
    ///   - scheme: `https` or `http`.
    ///   - host: A name or an address; an IPv6 address has no brackets.
    ///   - port: The number of the port.
    /// - Throws: ``InvalidBaseURL``.
    public init(scheme: String, host: String, port: String) throws(InvalidBaseURL) {
        try self.init("\(scheme)://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)")
    }

    /// Whether the byte may be in a host and a port. `URL` also accepts others, such as backslashes.
    private static func isInAuthority(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || "-._~:[]".utf8.contains(byte)
    }

    public var description: String { "\(scheme)://\(authority)\(pathPrefix)" }

    /// Whether what is sent there stays on this machine.
    public var isLoopback: Bool {
        if authority.hasPrefix("[") { return authority == "[::1]" || authority.hasPrefix("[::1]:") }
        let host = authority.prefix { $0 != ":" }.lowercased()
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        let isAddress = parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
        return host == "localhost" || (isAddress && host.hasPrefix("127."))
    }
}

/// A text is not the URL of an HTTP server.
public struct InvalidBaseURL: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String { "expected \(BaseURL.expectation)" }
}
