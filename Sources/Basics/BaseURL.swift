internal import FoundationEssentials

/// The address of an HTTP server, perhaps with a path that stands before all of its paths.
public struct BaseURL: Hashable, Sendable, CustomStringConvertible {
    /// `https` or `http`.
    public let scheme: String
    /// Host and port; an IPv6 address is in brackets.
    public let authority: String
    /// What stands before the paths of requests, without a slash at its end; often empty.
    public let pathPrefix: String

    /// What is allowed, as the end of the sentence "expected …".
    public static let expectation =
        "an http or https URL without user name, query and fragment, for example https://api.example.com"

    /// Parses `text`; slashes at its end do not matter.
    ///
    /// - Throws: ``InvalidBaseURL``, one line without the text itself: it may hold a password.
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
        guard authority.last != ":" else { throw InvalidBaseURL() }
        var prefix = rest.dropFirst(authority.count)
        while prefix.last == "/" { prefix = prefix.dropLast() }
        self.scheme = scheme
        self.authority = String(authority)
        pathPrefix = String(prefix)
    }

    /// Names a server by host and port, as the environment of a pod does.
    ///
    /// - Parameters:
    ///   - host: A name or an address; an IPv6 address without brackets.
    ///   - port: The port's number.
    public init(scheme: String, host: String, port: String) throws(InvalidBaseURL) {
        try self.init("\(scheme)://" + (host.contains(":") ? "[\(host)]" : host) + ":\(port)")
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

/// A text is not the address of an HTTP server.
public struct InvalidBaseURL: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String { "expected \(BaseURL.expectation)" }
}
