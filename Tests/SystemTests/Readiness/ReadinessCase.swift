import PreviewControl

/// One combination of DNS, TLS, gateway and app, and the readiness that is reported for it.
struct ReadinessCase: Sendable {
    enum Name: String, Sendable {
        case found, absent, silent
    }

    /// What listens at the gateway's address.
    enum Security: String, Sendable, CaseIterable {
        case valid, expired, wrongName = "wrong name", untrusted, plain = "no TLS", silent = "no handshake"
        case closed = "nobody"
    }

    enum Gateway: String, Sendable {
        case serves, hasNoRoute = "no route", endedPage = "no route, ended page", hasNoService = "no Service",
            hasNoEndpoint = "no endpoint"
        case timesOut = "times out", login, marked = "login on the route", firewall, otherProxy = "another Envoy"
    }

    enum App: String, Sendable, CaseIterable {
        case page = "200", empty = "204", redirectsWithin = "302 to /app", redirectsToItself = "302 to / with a cookie"
        case loops = "302 to /", redirectsToLocalhost = "302 to localhost:3000", redirectsElsewhere = "302 elsewhere"
        case redirectsToPlain = "301 to http", unauthorized = "401", forbidden = "403", notFound = "404", error = "500"
        case says503 = "503 like Envoy's", imitatesEndedPage = "404 like the ended page", vite = "Vite", webpack =
            "webpack-dev-server", django = "Django"
        case starlette = "TrustedHost", werkzeug = "Werkzeug", rails = "Rails", requiresTLS = "HTTPS only, says so"
        case hangs, closes, resets, ssh = "no HTTP", http2 = "HTTP/2 only", nobody
    }

    var name = Name.found
    var security = Security.valid
    var gateway = Gateway.serves
    var app = App.page
    var status = RouteStatus(isAccepted: true)
    let state: Readiness.State
    /// A part of the reported detail; `nil` if there is none.
    let words: String?

    static let refused = RouteStatus(isAccepted: false, problem: "Accepted is False, NotAllowedByListeners")
    static let unseen = RouteStatus(isAccepted: false)

    static let all: [ReadinessCase] = apps + gateways + names + securities

    private static let apps: [ReadinessCase] = [
        .init(app: .page, state: .serving, words: nil),
        .init(app: .empty, state: .serving, words: nil),
        .init(app: .redirectsWithin, state: .serving, words: nil),
        .init(app: .redirectsToItself, state: .serving, words: nil),
        .init(app: .loops, state: .noApp, words: "redirects in a loop"),
        .init(app: .redirectsToLocalhost, state: .noApp, words: "redirects to http://localhost:3000: set its base URL"),
        .init(app: .redirectsElsewhere, state: .noApp, words: "another host, https://login.example"),
        .init(app: .redirectsToPlain, state: .noApp, words: "trust X-Forwarded-Proto"),
        .init(app: .unauthorized, state: .serving, words: "(401)"),
        .init(app: .forbidden, state: .serving, words: "(403)"),
        .init(app: .notFound, state: .serving, words: "(404)"),
        .init(app: .error, state: .serving, words: "(500)"),
        .init(app: .says503, state: .serving, words: "(503)"),
        .init(app: .imitatesEndedPage, state: .serving, words: "(404)"),
        .init(app: .vite, state: .noApp, words: "allowed hosts"),
        .init(app: .webpack, state: .noApp, words: "allowed hosts"),
        .init(app: .django, state: .noApp, words: "allowed hosts"),
        .init(app: .starlette, state: .noApp, words: "allowed hosts"),
        .init(app: .werkzeug, state: .noApp, words: "allowed hosts"),
        .init(app: .rails, state: .noApp, words: "allowed hosts"),
        .init(app: .requiresTLS, state: .noApp, words: "HTTPS only"),
        .init(app: .hangs, state: .noApp, words: "listens and does not answer"),
        .init(app: .closes, state: .noApp, words: "closes the connection"),
        .init(app: .resets, state: .noApp, words: "closes the connection"),
        .init(app: .ssh, state: .noApp, words: "does not answer in HTTP/1.1"),
        .init(app: .http2, state: .noApp, words: "does not answer in HTTP/1.1"),
        .init(app: .nobody, state: .noApp, words: "No process listens"),
        // An answer of the app takes precedence over the gateway's status, which may be older.
        .init(app: .page, status: unseen, state: .serving, words: nil),
        .init(app: .nobody, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
        .init(app: .hangs, status: unseen, state: .noRoute, words: "has not accepted"),
    ]

    private static let gateways: [ReadinessCase] = [
        .init(gateway: .hasNoRoute, state: .noRoute, words: "does not serve it yet"),
        .init(gateway: .hasNoRoute, status: unseen, state: .noRoute, words: "has not accepted"),
        .init(gateway: .hasNoRoute, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
        .init(gateway: .endedPage, state: .noRoute, words: "does not serve it yet"),
        .init(gateway: .endedPage, status: unseen, state: .noRoute, words: "has not accepted"),
        .init(gateway: .endedPage, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
        .init(gateway: .hasNoService, state: .noApp, words: "does not know the preview's Service"),
        .init(gateway: .hasNoEndpoint, state: .noApp, words: "pod is not ready"),
        .init(gateway: .timesOut, app: .hangs, state: .noApp, words: "gateway's time limit"),
        .init(gateway: .login, state: .unverified, words: "a login, a firewall or a redirect, answered with 302"),
        .init(gateway: .login, status: unseen, state: .noRoute, words: "has not accepted"),
        .init(gateway: .marked, state: .unverified, words: "a login, a firewall or a redirect, answered with 302"),
        .init(gateway: .firewall, state: .unverified, words: "answered with 403"),
        .init(gateway: .otherProxy, state: .unverified, words: "answered with 200"),
        .init(gateway: .otherProxy, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
    ]

    private static let names: [ReadinessCase] = [
        .init(name: .absent, state: .noName, words: "not in DNS"),
        .init(name: .absent, app: .nobody, state: .noName, words: "not in DNS"),
        .init(name: .absent, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
        .init(name: .silent, state: .unverified, words: "no name server answered"),
        .init(name: .silent, status: unseen, state: .noRoute, words: "has not accepted"),
    ]

    private static let securities: [ReadinessCase] = [
        .init(security: .expired, state: .noTLS, words: "has expired"),
        .init(security: .wrongName, state: .noTLS, words: "not valid for the preview's host"),
        .init(security: .untrusted, state: .noTLS, words: "not issued by an authority"),
        .init(security: .plain, state: .noTLS, words: "handshake failed"),
        .init(security: .expired, app: .nobody, state: .noTLS, words: "has expired"),
        .init(security: .untrusted, gateway: .login, state: .noTLS, words: "not issued by an authority"),
        .init(security: .expired, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
        .init(security: .closed, state: .unverified, words: "no connection to it could be made"),
        .init(security: .closed, status: unseen, state: .noRoute, words: "has not accepted"),
        .init(security: .closed, status: refused, state: .notAccepted, words: "NotAllowedByListeners"),
        .init(security: .silent, state: .unverified, words: "no connection to it could be made"),
    ]
}
