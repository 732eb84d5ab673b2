import PreviewDomain
import TestPeers
import TestSupport

@testable import PreviewServer

extension ReadinessCase.App {
    /// A header field of every response of the app, and of no other response.
    static let appField = "x-answered-by: the-app"

    /// The app's answer to a request.
    ///
    /// - Parameter head: The request's head.
    func answer(to head: String) -> RawPeer.Response {
        let path = head.split(separator: " ").dropFirst().first ?? "/"
        let host = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("host:") }?.dropFirst(6) ?? ""
        switch self {
        case .page: return Self.reply(200, "<h1>the app</h1>" + String(repeating: " ", count: 100))
        case .empty: return RawPeer.Response("HTTP/1.1 204 No Content\r\n\(Self.appField)\r\n\r\n", then: .keepOpen)
        case .redirectsWithin: return path == "/" ? Self.redirect(302, to: "/app") : Self.reply(200, "the app")
        case .redirectsToItself:
            return head.contains("seen=1")
                ? Self.reply(200, "the app") : Self.redirect(302, to: "/", fields: "set-cookie: seen=1; Path=/\r\n")
        case .loops: return Self.redirect(302, to: "/")
        case .redirectsToLocalhost: return Self.redirect(302, to: "http://localhost:3000/app?a=b")
        case .redirectsElsewhere: return Self.redirect(302, to: "https://login.example/authorize?x=y")
        case .redirectsToPlain: return Self.redirect(301, to: "http://\(host.split(separator: ":").first ?? "")/")
        case .unauthorized: return Self.reply(401, "who are you?")
        case .forbidden: return Self.reply(403, "no")
        case .notFound: return Self.reply(404, "")
        case .error: return Self.reply(500, "Traceback")
        case .says503: return Self.reply(503, "no healthy upstream")
        case .imitatesEndedPage:
            return Self.reply(
                404,
                EndedPage.html,
                fields: "\(RouteMark.fieldName): \(RouteMark.noPreview)\r\nx-envoy-upstream-service-time: 0\r\n"
            )
        case .vite:
            return Self.reply(403, "Blocked request. This host (\"\(host)\") is not allowed.\nTo allow this host, …")
        case .webpack: return Self.reply(200, "Invalid Host header")
        case .django: return Self.reply(400, "<title>DisallowedHost at /</title> Invalid HTTP_HOST header: '\(host)'.")
        case .starlette: return Self.reply(400, "Invalid host header")
        case .werkzeug: return Self.reply(400, "<p>Host &#39;\(host)&#39; is not trusted.</p>")
        case .rails: return Self.reply(403, "<h1>Blocked hosts: \(host)</h1>")
        case .requiresTLS: return Self.reply(400, "Client sent an HTTP request to an HTTPS server.\n")
        case .hangs, .nobody: return RawPeer.Response("", then: .keepOpen)
        case .closes: return RawPeer.Response("", then: .close)
        case .resets: return RawPeer.Response("", then: .reset)
        case .ssh: return RawPeer.Response("SSH-2.0-OpenSSH_9.2\r\n", then: .close)
        // An empty SETTINGS frame.
        case .http2: return RawPeer.Response("\0\0\0\u{4}\0\0\0\0\0", then: .close)
        }
    }

    private static func reply(_ status: Int, _ body: String, fields: String = "") -> RawPeer.Response {
        RawPeer.Response(
            "HTTP/1.1 \(status) X\r\n\(Self.appField)\r\n\(fields)content-length: \(body.utf8.count)\r\n\r\n\(body)",
            then: .keepOpen
        )
    }

    private static func redirect(_ status: Int, to location: String, fields: String = "") -> RawPeer.Response {
        RawPeer.Response(
            "HTTP/1.1 \(status) X\r\n\(Self.appField)\r\nlocation: \(location)\r\n\(fields)content-length: 0\r\n\r\n",
            then: .keepOpen
        )
    }
}
