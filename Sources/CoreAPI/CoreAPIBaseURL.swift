internal import FoundationEssentials

/// The address under which the platform's core API serves its `/api/…` routes.
public struct CoreAPIBaseURL: Hashable, Sendable, CustomStringConvertible {
    /// `https` or `http`.
    public let scheme: String
    /// Host and port; an IPv6 address is in brackets.
    public let authority: String
    /// What stands before `/api`, without a slash at its end; often empty.
    public let pathPrefix: String

    /// What is allowed, as the end of the sentence "expected …".
    public static let expectation =
        "an http or https URL without user name, query and fragment, for example https://api.example.com"

    /// Parses `text`; slashes at its end do not matter.
    ///
    /// - Throws: ``InvalidCoreAPIBaseURL``, one line without the text itself: it may hold a password.
    public init(_ text: String) throws(InvalidCoreAPIBaseURL) {
        guard text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }), let url = URL(string: text),
            let scheme = url.scheme?.lowercased(), scheme == "https" || scheme == "http",
            let start = text.firstRange(of: "://")?.upperBound,
            let host = url.host(), !host.isEmpty,
            url.user == nil, url.password == nil, url.query == nil, url.fragment == nil,
            url.port.map({ (1...65535).contains($0) }) ?? true
        else { throw InvalidCoreAPIBaseURL() }
        let rest = text[start...]
        let authority = rest.prefix { $0 != "/" }
        guard authority.last != ":" else { throw InvalidCoreAPIBaseURL() }
        var prefix = rest.dropFirst(authority.count)
        while prefix.last == "/" { prefix = prefix.dropLast() }
        self.scheme = scheme
        self.authority = String(authority)
        pathPrefix = String(prefix)
    }

    public var description: String { "\(scheme)://\(authority)\(pathPrefix)" }
}

/// Why a text is not the core API's address.
public struct InvalidCoreAPIBaseURL: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String { "expected \(CoreAPIBaseURL.expectation)" }
}
