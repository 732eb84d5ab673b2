/// The web origins (RFC 6454) whose pages may call the service from a browser.
public struct AllowedOrigins: Hashable, Sendable {
    private let origins: Set<String>

    /// Allows no page at all. Who is no browser sends no origin and is not concerned.
    public static let none = AllowedOrigins(origins: [])

    private init(origins: Set<String>) {
        self.origins = origins
    }

    /// Reads a list such as `https://console.example.com, http://localhost:3000`.
    ///
    /// - Returns: nil unless every element is a scheme, `http` or `https`, a host, and perhaps a port: what a browser
    ///   sends, without a slash at the end.
    public init?(_ text: String) {
        var origins: Set<String> = []
        for element in text.split(separator: ",", omittingEmptySubsequences: false) {
            let origin = element.trimmingPrefix(while: \.isWhitespace).lowercased()
            let trimmed = String(origin.reversed().drop(while: \.isWhitespace).reversed())
            guard Self.isOrigin(trimmed) else { return nil }
            origins.insert(trimmed)
        }
        self.init(origins: origins)
    }

    func allows(_ origin: String) -> Bool { origins.contains(origin.lowercased()) }

    private static func isOrigin(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: text.hasPrefix) else { return false }
        let authority = text.dropFirst(scheme.count)
        return !authority.isEmpty && authority.utf8.allSatisfy { (0x21...0x7e).contains($0) }
            && !authority.contains { "/?#@\\*".contains($0) }
    }
}
