internal import Basics
public import HTTPTypes

/// Decides whether this service or the core API answers a request.
///
/// It compares the method and the target as received, byte by byte, without decoding, normalisation or case folding. A
/// similar path belongs to the core API, so that only the documented spelling reaches a route of this service.
public enum RouteTable {
    /// The service that answers a request.
    public enum Owner: Hashable, Sendable {
        case service
        case core
        /// The core API, with this service's events merged in.
        case timeline(run: String)
    }

    /// - Parameter target: The request target as received: path and query.
    public static func owner(of method: HTTPRequest.Method, _ target: String) -> Owner {
        let path = target.utf8.prefix { $0 != UInt8(ascii: "?") }
        guard path.first == UInt8(ascii: "/") else { return .core }
        let segments = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        if segments.count == 1 { return belongsToService(segments[0]) ? .service : .core }
        guard segments.count >= 4, segments[0].elementsEqual("api".utf8), segments[1].elementsEqual("runs".utf8),
            isRunID(segments[2])
        else { return .core }
        let rest = segments[3...].map { String(Substring($0)) }
        if rest == ["stream"], method == .get { return .timeline(run: String(Substring(segments[2]))) }
        return belongsToService(method, rest) ? .service : .core
    }

    /// The routes that belong to no run. With any method they belong to this service.
    private static let serviceNames = ["healthz", "readyz", "metrics", "openapi.json", "mcp"]

    private static func belongsToService(_ segment: Substring.UTF8View) -> Bool {
        serviceNames.contains { segment.elementsEqual($0.utf8) }
    }

    /// Whether this service has a route below `/api/runs/{runId}`. Other methods belong to the core API.
    private static func belongsToService(_ method: HTTPRequest.Method, _ rest: [String]) -> Bool {
        let methods: [HTTPRequest.Method]
        switch rest.count {
        case 1: methods = singleSegmentRoutes[rest[0]] ?? []
        case 2 where rest == ["sandbox", "preview"]: methods = [.post]
        case 2 where rest == ["sandbox", "port-forward"]: methods = [.post, .get, .head]
        case 2 where rest[0] == "preview-requests" && isToken(rest[1]): methods = [.get, .head]
        case 3 where rest[0] == "sandbox" && rest[1] == "port-forward" && isToken(rest[2]):
            methods = [.get, .head, .delete]
        case 4 where rest[0] == "sandbox" && rest[1] == "preview" && isToken(rest[2]) && rest[3] == "keepalive":
            methods = [.post]
        default: methods = []
        }
        // A browser's preflight request for a page of another origin.
        return methods.contains(method) || (method == .options && !methods.isEmpty)
    }

    private static let singleSegmentRoutes: [String: [HTTPRequest.Method]] = [
        "preview-requests": [.get, .head], "preview-events": [.get, .head], "tool-approvals": [.post],
        "tool-denials": [.post], "auto-approve": [.post],
    ]

    /// The format of a run ID: 1 to 128 characters of `[A-Za-z0-9._-]`, the first a letter or digit.
    private static func isRunID(_ segment: Substring.UTF8View) -> Bool {
        guard let first = segment.first, first.isAlphanumeric, segment.count <= 128 else { return false }
        return segment.allSatisfy(isUnreserved)
    }

    private static func isToken(_ segment: String) -> Bool {
        !segment.isEmpty && segment != "." && segment != ".." && segment.utf8.allSatisfy(isUnreserved)
    }

    /// RFC 3986 section 2.3, without `~`, which no name here has.
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        byte.isAlphanumeric || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }
}
