internal import Basics
internal import HTTPTypes
internal import Hummingbird

/// The origins (RFC 6454) whose pages may call the service from a browser, or from a desktop client that is built on
/// one.
public struct AllowedOrigins: Hashable, Sendable {
    private let origins: Set<String>

    /// Allows no page. Clients that are not browsers send no origin and are not affected.
    public static let none = AllowedOrigins(origins: [])

    /// The origin of pages without one, such as sandboxed frames and local files. It is allowed only if it is listed:
    /// any page can open a frame with this origin.
    private static let opaque = "null"

    /// Schemes with which no page can be opened. They are listed only by mistake.
    private static let schemesWithoutPages: Set<Substring> = ["ftp", "ws", "wss"]

    private init(origins: Set<String>) {
        self.origins = origins
    }

    /// Reads a list such as `https://console.example.com, vscode-file://vscode-app, null`.
    ///
    /// - Returns: nil unless every element is `null`, or a scheme, a host, and optionally a port: the format of
    ///   browsers, without a trailing slash.
    public init?(_ text: String) {
        var origins: Set<String> = []
        for element in text.split(separator: ",", omittingEmptySubsequences: false) {
            let origin = element.trimmed.lowercased()
            guard Self.isOrigin(origin) else { return nil }
            origins.insert(origin)
        }
        self.init(origins: origins)
    }

    func allows(_ origin: String) -> Bool { origins.contains(origin.lowercased()) }

    private static func isOrigin(_ text: String) -> Bool {
        if text == opaque { return true }
        guard let separator = text.firstRange(of: "://"), isScheme(text[..<separator.lowerBound]) else { return false }
        let authority = text[separator.upperBound...]
        // Desktop clients send `file://` for their own pages.
        guard !authority.isEmpty || text == "file://" else { return false }
        return authority.utf8.allSatisfy { (0x21...0x7e).contains($0) }
            && !authority.contains { "/?#@\\*".contains($0) }
    }

    /// RFC 3986, 3.1.
    private static func isScheme(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, first.isLowercaseAlphanumeric, !first.isDigit else { return false }
        return text.utf8.allSatisfy { $0.isLowercaseAlphanumeric || "+-.".utf8.contains($0) }
            && !schemesWithoutPages.contains(text)
    }
}

/// Lets only pages of the allowed origins read responses (Fetch Standard, "HTTP CORS protocol").
///
/// Callers authenticate with a header that their page adds, never with a cookie, so credentials in the sense of CORS
/// are not allowed.
struct CORSMiddleware: RouterMiddleware {
    let allowed: AllowedOrigins

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        let origin = request.headers[.origin].flatMap { allowed.allows($0) ? $0 : nil }
        var response: Response
        if request.method == .options, request.headers.contains(.accessControlRequestMethod) {
            response = Response(status: .noContent)
            if origin != nil { response.headers = Self.preflightHeaders }
        } else {
            response = try await next(request, context)
            if context.forwarding.hasResponse { return response }
        }
        if let origin {
            response.headers[.accessControlAllowOrigin] = origin
            response.headers[.accessControlExposeHeaders] = Self.exposedHeaders
        }
        response.headers[values: .vary].append("Origin")
        return response
    }

    private static let preflightHeaders: HTTPFields = [
        .accessControlAllowMethods: "GET, POST, DELETE",
        .accessControlAllowHeaders: [
            "Accept", "Authorization", "Content-Type", "Last-Event-ID", "Prefer", "MCP-Protocol-Version", "Mcp-Method",
            "Mcp-Name",
        ].joined(separator: ", "),
        // A browser repeats the preflight request after at most this many seconds.
        .accessControlMaxAge: "600",
    ]
    private static let exposedHeaders = "Location, Retry-After, Server-Timing, WWW-Authenticate"
}

/// Refuses requests from web pages of unlisted origins, so that no page can reach the service through the browser of a
/// user who has access (DNS rebinding). MCP requires it ("Security & Endpoint").
struct OriginMiddleware: RouterMiddleware {
    let allowed: AllowedOrigins

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        guard request.headers[values: .origin].allSatisfy(allowed.allows) else {
            throw APIError(
                .forbidden,
                "Pages of this origin may not call this service. An operator can allow it with Server__AllowedOrigins."
            )
        }
        return try await next(request, context)
    }
}
