import FoundationEssentials

/// The URL of an API server: scheme, host, port and perhaps a path prefix.
public struct ServerURL: Hashable, Sendable, CustomStringConvertible {
    /// `https` or `http`.
    public let scheme: String
    /// Host and port; an IPv6 address is in brackets.
    public let authority: String
    /// The path before `/api` and `/apis`, without a slash at its end.
    public let pathPrefix: String

    /// Parses `text`.
    ///
    /// - Returns: `nil` unless it is an `http` or `https` URL in ASCII with a host, and without user information, query
    ///   and fragment.
    public init?(_ text: String) {
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), let url = URL(string: text),
            let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
            let start = text.firstRange(of: "://")?.upperBound,
            url.user == nil, url.query == nil, url.fragment == nil,
            let host = url.host(), !host.isEmpty
        else { return nil }
        let rest = text[start...]
        authority = String(rest.prefix { $0 != "/" })
        var prefix = rest.dropFirst(authority.count)
        while prefix.last == "/" { prefix = prefix.dropLast() }
        self.scheme = scheme
        pathPrefix = String(prefix)
    }

    /// Names a server by host and port, as the environment of a pod does.
    ///
    /// - Parameters:
    ///   - host: A name or an address; an IPv6 address without brackets.
    ///   - port: The port's number.
    init?(host: String, port: String) {
        self.init("https://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)")
    }

    public var description: String { "\(scheme)://\(authority)\(pathPrefix)" }
}
