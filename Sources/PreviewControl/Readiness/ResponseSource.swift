/// The component that answered a probe (Docs/Decisions/0060).
enum ResponseSource: Hashable, Sendable {
    /// The app in the sandbox.
    case app
    /// The gateway, which knows the preview and got no response from its app.
    case gateway(GatewayFault)
    /// The gateway, which does not know the preview: with its own response, or with the page for hosts without a
    /// preview.
    case noRoute
    /// Another component: a login, a firewall or a redirect in the gateway or in front of it.
    case intermediary
}

/// The reason why a gateway got no response from the app.
enum GatewayFault: Hashable, Sendable {
    /// The Service has no endpoint: the pod is not ready.
    case noEndpoint
    /// The gateway has the route, but not its Service.
    case noBackend
    /// The connection to the pod was refused: no process listens.
    case connectionRefused
    /// No connection to the pod was made in time.
    case connectionTimeout
    /// The app closed the connection instead of answering.
    case closed
    /// The app's response is not HTTP/1.1.
    case notHTTP
    /// The app did not answer within the gateway's time limit.
    case timeout
    /// The gateway's limits were reached.
    case overload
}

extension ProbeResponse {
    /// Determines the component that answered.
    ///
    /// No single field decides. The mark proves that the response came through this preview's route, but the gateway
    /// adds it to its own responses too; the upstream's time proves that some upstream answered, which may be one in
    /// front of this gateway.
    ///
    /// - Parameter isMarkedRoute: Whether the preview's route marks its responses. Those of the platform's older
    ///   service do not.
    func source(isMarkedRoute: Bool) -> ResponseSource {
        // A preview's own route overwrites the field, so an app that answers through one cannot be mistaken for this
        // page.
        if isEndedPage { return .noRoute }
        guard mark != nil || !isMarkedRoute else {
            return isGatewaysNotFound ? .noRoute : .intermediary
        }
        if isFromUpstream { return .app }
        if let fault = gatewayFault { return .gateway(fault) }
        return mark == nil && isGatewaysNotFound ? .noRoute : .intermediary
    }

    /// Envoy answers requests without a route with a 404 that has no body.
    private var isGatewaysNotFound: Bool { status == 404 && !isFromUpstream && text.isEmpty }

    /// The texts of Envoy's own responses (`router.cc`, `Utility::getResetReasonString`).
    private var gatewayFault: GatewayFault? {
        guard [500, 502, 503, 504].contains(status) else { return nil }
        if text.isEmpty { return .noBackend }
        if text.hasPrefix("no healthy upstream") { return .noEndpoint }
        if text.hasPrefix("upstream request timeout") { return .timeout }
        guard text.hasPrefix("upstream connect error or disconnect/reset before headers"),
            let range = text.firstRange(of: "reset reason: ")
        else { return nil }
        let reason = text[range.upperBound...]
        if reason.hasPrefix("connection timeout") { return .connectionTimeout }
        if reason.hasPrefix("protocol error") { return .notHTTP }
        if reason.hasPrefix("overflow") { return .overload }
        let phrase = reason.prefix { $0 != "," }
        return phrase.contains("connection failure") ? .connectionRefused : .closed
    }
}
