internal import PreviewDomain

/// Whether a preview's address works, and if it does not, why.
public struct Readiness: Hashable, Sendable {
    /// The state of a preview's address.
    public enum State: String, Hashable, Sendable, CaseIterable {
        /// The app answered through the public address, with a page.
        case serving
        /// DNS does not have the name.
        case noName = "no_name"
        /// The certificate is not accepted.
        case noTLS = "no_tls"
        /// The gateway does not serve the preview yet.
        case noRoute = "no_route"
        /// The gateway does not accept the preview's route.
        case notAccepted = "not_accepted"
        /// The gateway serves the preview and gets no page from an app.
        case noApp = "no_app"
        /// The gateway accepted the preview, and the service cannot test its address.
        case unverified
    }

    public let state: State
    /// The HTTP status of the app's response, if there was one.
    public let appStatus: Int?
    /// What is wrong, or what the app's response means, and what to do about it; `nil` if the preview works.
    public let detail: String?

    /// Whether a browser that opens the preview gets a page of the app.
    public var isReady: Bool { state == .serving }

    /// The same state with another sentence.
    func adding(detail: String) -> Readiness { Readiness(state, appStatus: appStatus, detail: detail) }

    public init(_ state: State, appStatus: Int? = nil, detail: String? = nil) {
        self.state = state
        self.appStatus = appStatus
        self.detail = detail
    }
}

/// The evidence about whether a preview works.
struct ReadinessEvidence: Hashable, Sendable {
    /// The result of the last probe.
    var outcome: ProbeOutcome
    /// The gateway's status of the route in its present generation.
    var route: RouteEvidence
    /// Whether the pod is ready; `nil` if that is not known.
    var isPodReady: Bool?
    /// Whether the preview's route marks its responses.
    var isMarkedRoute = true

    enum RouteEvidence: Hashable, Sendable {
        /// The status was not read.
        case notRead
        /// The status could not be read.
        case unreadable
        case read(RouteStatus)
    }

    /// The host that the app received; `nil` if that is not known.
    var receivedHost: HostHeader? { if case .answered(let response) = outcome { response.mark } else { nil } }

    /// Whether the app may have refused the host of the request. Apps that check it do so with one of these statuses,
    /// and not all give the reason.
    var mayRefuseHost: Bool {
        guard source == .app, case .answered(let response) = outcome, response.redirect == nil else { return false }
        return response.refusesHost || [400, 403].contains(response.status)
    }

    /// Whether the app may speak only HTTP/2 without TLS. Some such servers answer HTTP/1.1 with their own frames,
    /// others close the connection.
    ///
    /// False for a preview of the platform's older service, whose routes are not marked: its Service has no port for
    /// HTTP/2.
    var maySpeakHTTP2: Bool { isMarkedRoute && (source == .gateway(.notHTTP) || source == .gateway(.closed)) }

    /// The component that answered the probe; `nil` if there was no response.
    var source: ResponseSource? {
        if case .answered(let response) = outcome { response.source(isMarkedRoute: isMarkedRoute) } else { nil }
    }
}

extension Readiness {
    /// The readiness that follows from the evidence.
    init(_ evidence: ReadinessEvidence) {
        if case .answered(let response) = evidence.outcome, evidence.source == .app {
            self.init(ofApp: response)
        } else if case .read(let status) = evidence.route, let problem = status.problem {
            self.init(
                .notAccepted,
                detail: "The gateway refuses this preview (\(problem)): ask an operator to check the Gateway."
            )
        } else {
            self.init(withoutApp: evidence)
        }
    }

    private init(ofApp response: ProbeResponse) {
        let meaning = AppResponse(response)
        self.init(
            meaning.isPage ? .serving : .noApp,
            appStatus: response.status,
            detail: meaning.detail(receivedHost: response.mark)
        )
    }

    private init(withoutApp evidence: ReadinessEvidence) {
        switch evidence.outcome {
        case .nameNotFound:
            self.init(
                .noName,
                detail: """
                    The preview's name is not in DNS: wait a few minutes for its record, then check again, or let an operator \
                    publish a wildcard record for the zone.
                    """
            )
        case .notTrusted(let fault):
            self.init(.noTLS, detail: Self.detail(of: fault))
        case .answered(let response):
            switch evidence.source {
            case .gateway(let fault):
                self.init(.noApp, detail: Self.detail(of: fault, isPodReady: evidence.isPodReady))
            case .noRoute:
                self.init(
                    .noRoute,
                    detail: evidence.route.isAccepted
                        ? "The gateway accepted this preview but does not serve it yet: check again in a few seconds."
                        : Self.notAcceptedYet
                )
            case .intermediary, .app, nil:
                self.init(
                    unreachable: evidence,
                    "something before the app, such as a login, a firewall or a redirect, answered with \(response.status)"
                )
            }
        case .noResponse:
            self.init(
                evidence.route.isUnaccepted ? .noRoute : .noApp,
                detail: evidence.route.isUnaccepted
                    ? Self.notAcceptedYet
                    : """
                    The app listens and does not answer: if it is still compiling its first page, check again when that is \
                    done; otherwise see its log.
                    """
            )
        case .nameUnresolved:
            self.init(unreachable: evidence, "no name server answered")
        case .notConnected:
            self.init(unreachable: evidence, "no connection to it could be made")
        case .notProbed:
            self.init(unreachable: evidence, "it has not been opened yet")
        case .broken:
            self.init(unreachable: evidence, "its connection ended without an answer")
        }
    }

    /// The readiness if the address was not probed.
    init(unprobed status: RouteStatus) {
        self.init(ReadinessEvidence(outcome: .notProbed, route: .read(status)))
    }

    /// - Parameter reason: Why the address could not be tested.
    private init(unreachable evidence: ReadinessEvidence, _ reason: String) {
        if evidence.route.isUnaccepted {
            self.init(.noRoute, detail: Self.notAcceptedYet)
        } else {
            self.init(
                .unverified,
                detail: """
                    The address could not be tested from here, because \(reason): open it in a browser to see whether it works.
                    """
            )
        }
    }

    private static let notAcceptedYet = "The gateway has not accepted this preview yet: check again in a few seconds."

    private static func detail(of fault: ProbeOutcome.TLSFault) -> String {
        let problem =
            switch fault {
            case .expired: "has expired"
            case .wrongName: "is not valid for the preview's host"
            case .untrusted: "is not issued by an authority that is trusted here"
            case .handshake: "could not be used, because the TLS handshake failed"
            }
        return "The gateway's certificate \(problem): an operator has to correct the preview Gateway's certificate."
    }

    private static func detail(of fault: GatewayFault, isPodReady: Bool?) -> String {
        switch fault {
        case .noEndpoint where isPodReady == true:
            "The gateway does not know the sandbox's pod yet, although it is ready: check again in a few seconds."
        case .noEndpoint:
            "The sandbox's pod is not ready, so it gets no requests: wait until the sandbox runs, then check again."
        case .noBackend:
            "The gateway does not know the preview's Service yet: check again in a few seconds."
        case .connectionRefused:
            """
            No process listens on this port: start your server in the sandbox, let it listen on 0.0.0.0 and not only on \
            localhost, and check the port; the preview then works without a new start.
            """
        case .connectionTimeout:
            """
            The gateway cannot connect to the sandbox's pod: check that the port is one that the cluster's NetworkPolicy \
            admits.
            """
        case .closed:
            """
            The app closes the connection without an HTTP answer, as servers do that crash or serve HTTPS only: let it serve \
            plain HTTP on this port, and see its log.
            """
        case .notHTTP:
            """
            The port does not answer in HTTP/1.1, and HTTP/2 without TLS is tried only once: let a server of plain HTTP listen \
            on it, or choose another port.
            """
        case .timeout:
            "The app listens and did not answer within the gateway's time limit: see its log."
        case .overload:
            "The gateway has too many connections to the app: check again in a few seconds."
        }
    }
}

extension ReadinessEvidence.RouteEvidence {
    /// Whether the gateway is known to have accepted the route.
    var isAccepted: Bool { if case .read(let status) = self { status.isAccepted } else { false } }
    /// Whether the gateway is known not to have accepted the route.
    var isUnaccepted: Bool { if case .read(let status) = self { !status.isAccepted } else { false } }
}
