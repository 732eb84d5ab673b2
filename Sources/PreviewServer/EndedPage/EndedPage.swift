internal import FoundationEssentials
internal import HTTPTypes
public import Hummingbird
public import Logging
public import Metrics
public import NIOCore
internal import OpenSSLKit
internal import PreviewDomain

/// The page for hosts of the zone without a preview, whether it has ended or never existed.
///
/// It is a separate server on a separate port: a wildcard route of the preview Gateway leads to it, and nothing else of
/// this service can be reached through that route (Docs/Decisions/0067). Its response is the same for every host, path,
/// method and field, so guessing addresses reveals nothing.
public struct EndedPage: Sendable {
    /// The largest number of connections. The gateway uses few and keeps them open.
    public static let maxConnections = 256

    public init() {}

    /// The server of the page.
    ///
    /// - Parameters:
    ///   - address: The address on which it listens.
    ///   - draining: Decides when every response is the last one of its connection.
    ///   - metrics: Counts closed connections.
    ///   - onRunning: Called once it listens.
    public static func application(
        address: BindAddress,
        draining: Draining = Draining(),
        metrics: any MetricsFactory = MetricsSystem.factory,
        logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> Application<EndedPage> {
        var limits = ConnectionLimits()
        limits.maxConnections = maxConnections
        return Application(
            responder: EndedPage(),
            server: .limited(limits, draining: draining, metrics: metrics),
            configuration: ApplicationConfiguration(address: address, serverName: nil),
            onServerRunning: onRunning,
            logger: logger
        )
    }

    /// The header fields of every response. Caches must not store it: the same address may serve a preview a second
    /// later.
    static let fields: HTTPFields = {
        var fields: HTTPFields = [
            .contentType: "text/html; charset=utf-8",
            .cacheControl: "no-store",
            // The front end may show previews in a frame, and this page has no controls: therefore no
            // `frame-ancestors`.
            .contentSecurityPolicy:
                "default-src 'none'; style-src '\(styleDigest)'; base-uri 'none'; form-action 'none'",
            .referrerPolicy: "no-referrer",
            .xContentTypeOptions: "nosniff",
        ]
        for (name, value) in [("x-robots-tag", "noindex"), (RouteMark.fieldName, RouteMark.noPreview)] {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }()

    /// The style sheet as a source of a Content-Security-Policy (CSP level 3, section 2.3.1).
    private static let styleDigest = "sha256-\(Data(Digest.sha256(Array(style.utf8))).base64EncodedString())"

    /// The colors of one scheme in ``style``. A test computes their contrast (WCAG 2.2, 1.4.3).
    struct Palette: Hashable, Sendable {
        let background: String
        let text: String
        /// For less important text.
        let quietText: String
        let line: String

        static let light = Palette(background: "#ffffff", text: "#1b1f24", quietText: "#515862", line: "#7a828c")
        static let dark = Palette(background: "#14171b", text: "#eef1f4", quietText: "#b0b8c1", line: "#6f7782")

        fileprivate var declarations: String {
            "--background: \(background); --text: \(text); --quiet: \(quietText); --line: \(line)"
        }
    }

    static let style = """
        :root { color-scheme: light dark; \(Palette.light.declarations) }
        @media (prefers-color-scheme: dark) { :root { \(Palette.dark.declarations) } }
        body { margin: 0; background: var(--background); color: var(--text); font: 1rem/1.6 system-ui, sans-serif }
        main { box-sizing: border-box; max-width: 38rem; margin: 0 auto; padding: 12vh 1.25rem 3rem; overflow-wrap: anywhere }
        h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.3 }
        h2 { margin: 2rem 0 0.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line); font-size: 1rem }
        p { margin: 0 0 1rem }
        .quiet { color: var(--quiet) }
        """

    static let html = """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <meta name="referrer" content="no-referrer">
        <title>No preview at this address</title>
        <style>\(style)</style>
        </head>
        <body>
        <main>
        <h1>No preview at this address</h1>
        <p>The preview has ended, or there never was one at this address.</p>
        <p class="quiet">A preview ends when it is stopped, when nobody has used it for a while, when it reaches its longest \
        lifetime, and when its sandbox ends. A new preview gets a new address.</p>
        <h2>What you can do</h2>
        <p>The owner of the run can start a new preview in Agentweaver. The run's agent can ask the owner for one.</p>
        <p>If somebody gave you this address, ask them for the new one.</p>
        <p class="quiet">If the preview was started just now, open this address again in a few seconds.</p>
        </main>
        </body>
        </html>

        """

    private static let body = ByteBuffer(string: html)
}

extension EndedPage: HTTPResponder {
    public typealias Context = PreviewRequestContext

    public func respond(to request: Request, context: Context) async throws -> Response {
        let response = Response(
            status: .notFound,
            headers: Self.fields,
            body: ResponseBody(byteBuffer: Self.body)
        )
        return request.method == .head ? response.createHeadResponse() : response
    }
}
