public import HummingbirdCore
public import Metrics
public import Router

extension HTTPServerBuilder {
    /// HTTP/1.1 without TLS, within limits. TLS ends in front of the service (Docs/TLS.md).
    ///
    /// - Parameters:
    ///   - limits: What a client may cost.
    ///   - draining: Says when every answer is to be its connection's last.
    ///   - metrics: Where is counted which connections were closed.
    ///   - router: Passes on what is the core API's; `nil` answers everything here.
    ///   - streams: What is set between the core API's own events.
    public static func watched(
        _ limits: ConnectionLimits,
        draining: Draining = Draining(),
        metrics: any MetricsFactory = MetricsSystem.factory,
        router: CoreRouter? = nil,
        streams: RunStreamSource? = nil
    ) -> HTTPServerBuilder {
        let passingOn = router.map { PassingOn(router: $0, streams: streams) }
        return HTTPServerBuilder { ownResponder in
            // Idle connections are closed by the connection's handler.
            let http1 = HTTP1Channel(
                responder: passingOn.map { $0.before(ownResponder) } ?? ownResponder,
                configuration: HTTP1Channel.Configuration(
                    additionalChannelHandlers: [
                        MessageHandler(limits: limits, draining: draining, passingOn: passingOn)
                    ],
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: limits.maxHeaderFieldBytes,
                        maxHeaderListSize: limits.maxHeaderListBytes,
                        maxHeaderFieldCount: limits.maxHeaderFields
                    )
                )
            )
            let registry = ConnectionRegistry(maxConnections: limits.maxConnections, metrics: metrics)
            return WatchedChannel(base: http1, limits: limits, registry: registry)
        }
    }
}
