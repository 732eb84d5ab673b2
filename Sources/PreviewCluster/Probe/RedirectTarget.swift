internal import PreviewControl
internal import PreviewDomain

/// The target of a `Location`, relative to a page of a preview (RFC 9110 section 10.2.2, RFC 3986 section 5.2).
enum RedirectTarget: Hashable, Sendable {
    /// A page of the same preview.
    case within(path: String)
    case end(ProbeResponse.RedirectEnd)

    private static let maxOriginLength = 100

    /// - Parameters:
    ///   - location: The field's value.
    ///   - path: The path of the page that redirects.
    ///   - host: The preview's host.
    init(location: String, from path: String, at address: PreviewAddress, host: String) {
        guard location.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !location.isEmpty else {
            self = .end(.unreadable)
            return
        }
        let withoutFragment = location.prefix { $0 != "#" }
        guard let (scheme, rest) = Self.absolute(withoutFragment, scheme: address.scheme.rawValue) else {
            self = .within(path: Self.resolve(withoutFragment, from: path))
            return
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        // Credentials before the host are not repeated.
        let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let origin = String("\(scheme)://\(place)".prefix(Self.maxOriginLength))
        guard let (name, port) = Self.parts(of: place) else {
            self = .end(.unreadable)
            return
        }
        let ownPort = address.port ?? Self.defaultPort(of: address.scheme.rawValue)
        if name == host {
            if scheme == address.scheme.rawValue, port ?? Self.defaultPort(of: scheme) == ownPort {
                let target = rest.dropFirst(authority.count)
                self = .within(path: target.first == "/" ? String(target) : "/" + target)
            } else {
                // The host is the preview's secret, which its owner knows.
                self = .end(.otherPort(origin: "\(scheme)://…" + (port.map { ":\($0)" } ?? "")))
            }
        } else {
            self = .end(Self.isLocal(name) ? .local(origin: origin) : .elsewhere(origin: origin))
        }
    }

    /// Scheme, and the part after it and `//`; `nil` for a reference within the same host.
    private static func absolute(_ location: Substring, scheme: String) -> (scheme: String, rest: Substring)? {
        if location.hasPrefix("//") { return (scheme, location.dropFirst(2)) }
        guard let colon = location.firstIndex(of: ":"),
            colon != location.startIndex,
            location[..<colon].allSatisfy({ $0.isLetter || $0.isNumber || "+-.".contains($0) })
        else { return nil }
        let rest = location[location.index(after: colon)...]
        return (location[..<colon].lowercased(), rest.hasPrefix("//") ? rest.dropFirst(2) : rest)
    }

    private static func resolve(_ reference: Substring, from path: String) -> String {
        if reference.first == "/" { return String(reference) }
        let page = path.prefix { $0 != "?" }
        if reference.first == "?" || reference.isEmpty { return String(page + reference) }
        // Dot segments are left to the app, which interprets paths in the same way.
        let folder = page.lastIndex(of: "/").map { page[...$0] } ?? "/"
        return String(folder + reference)
    }

    private static func parts(of place: Substring) -> (name: String, port: Int?)? {
        if place.first == "[" {
            guard let end = place.firstIndex(of: "]") else { return nil }
            let rest = place[place.index(after: end)...]
            return (place[...end].lowercased(), rest.first == ":" ? Int(rest.dropFirst()) : nil)
        }
        let parts = place.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty else { return nil }
        return (name.lowercased(), parts.count == 2 ? Int(parts[1]) : nil)
    }

    private static func defaultPort(of scheme: String) -> Int? {
        switch scheme {
        case "http": 80
        case "https": 443
        default: nil
        }
    }

    /// Whether a name is that of the client's own machine.
    private static func isLocal(_ name: String) -> Bool {
        ["localhost", "0.0.0.0", "[::1]", "[::]"].contains(name) || name.hasPrefix("127.")
    }
}
