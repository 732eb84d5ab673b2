internal import PreviewDomain

/// The meaning of an app's response for users who open the preview.
enum AppResponse: Hashable, Sendable {
    case page
    case unauthorized
    case forbidden
    case notFound
    case clientError(Int)
    case serverError(Int)
    /// The app refuses the host of the request.
    case refusesHost
    /// The app serves HTTPS only.
    case requiresTLS
    case redirect(ProbeResponse.RedirectEnd)

    /// - Parameter response: A response of the app itself.
    init(_ response: ProbeResponse) {
        if let redirect = response.redirect {
            self = .redirect(redirect)
        } else if response.requiresTLS {
            self = .requiresTLS
        } else if response.refusesHost {
            self = .refusesHost
        } else {
            self =
                switch response.status {
                case 401: .unauthorized
                case 403: .forbidden
                case 404: .notFound
                case 400..<500: .clientError(response.status)
                case 500...: .serverError(response.status)
                default: .page
                }
        }
    }

    /// Whether a browser shows a page of the app.
    var isPage: Bool {
        switch self {
        case .page, .unauthorized, .forbidden, .notFound, .clientError, .serverError: true
        case .refusesHost, .requiresTLS, .redirect: false
        }
    }

    /// The meaning and what to do, in one sentence; `nil` if the app works.
    func detail(receivedHost: HostHeader?) -> String? {
        switch self {
        case .page:
            nil
        case .unauthorized:
            "The app asks for credentials at / (401): give them to the user, or disable the app's login."
        case .forbidden:
            "The app forbids / (403): let it serve / to anonymous visitors, or open a path that it serves."
        case .notFound:
            "The app has no page at / (404): open a path that it serves, or check which server listens on this port."
        case .clientError(let status):
            "The app refuses the request for / (\(status)): see its log for the reason."
        case .serverError(let status):
            "The app fails at / (\(status)): see its log and correct the error."
        case .refusesHost where receivedHost == .localhost:
            """
            The app refuses requests for the host localhost too, or for the public host in X-Forwarded-Host: add the preview's \
            host to its allowed hosts (Rails: config.hosts).
            """
        case .refusesHost:
            """
            The app refuses requests for the preview's host: add the host to its allowed hosts (Vite: \
            server.allowedHosts, webpack-dev-server: allowedHosts, Django: ALLOWED_HOSTS, Rails: config.hosts), or start \
            the preview with host_header localhost.
            """
        case .requiresTLS:
            "The app serves HTTPS only: let it serve plain HTTP on this port; the gateway adds HTTPS."
        case .redirect(.loop):
            """
            The app redirects in a loop: if it requires HTTPS, let it trust X-Forwarded-Proto, which the gateway sets.
            """
        case .redirect(.local(let origin)):
            "The app redirects to \(origin): set its base URL to the preview's URL, or let it redirect to a path only."
        case .redirect(.otherPort(let origin)):
            """
            The app redirects to its own host at \(origin), where the preview is not served: let it trust \
            X-Forwarded-Proto and X-Forwarded-Host, or redirect to a path only.
            """
        case .redirect(.elsewhere(let origin)):
            "The app redirects to another host, \(origin): let / be a page of the app, or set its base URL to the preview's."
        case .redirect(.unreadable):
            "The app redirects to an invalid URL: correct its Location header."
        }
    }
}

extension ProbeResponse {
    /// Sentences with which servers refuse a host, in lowercase: Vite, webpack-dev-server, Starlette, Django, Rails and
    /// Rack, Werkzeug, Jupyter.
    private static let hostRefusals = [
        "blocked request. this host", "invalid host header", "blocked host", "disallowedhost",
        "invalid http_host header", "host not permitted", "is not trusted", "non-local 'host'", "host is not allowed",
        "host not allowed",
    ]
    /// Sentences with which HTTPS servers answer plain HTTP, in lowercase: Go, nginx, Apache, Tomcat.
    private static let tlsDemands = [
        "client sent an http request to an https server", "the plain http request was sent to https port",
        "speaking plain http to an ssl-enabled server port", "this combination of host and port requires tls",
    ]

    /// Whether an app's response refuses the host. Some do so with status 200.
    var refusesHost: Bool {
        if status == 421 { return true }
        let lowercaseText = text.lowercased()
        if status == 200 { return lowercaseText == "invalid host header" }
        return (400..<500).contains(status) && Self.hostRefusals.contains { lowercaseText.contains($0) }
    }

    fileprivate var requiresTLS: Bool {
        let lowercaseText = text.lowercased()
        return (400..<500).contains(status) && Self.tlsDemands.contains { lowercaseText.contains($0) }
    }
}
