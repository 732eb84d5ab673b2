public import HummingbirdCore
internal import HummingbirdHTTP2
public import Metrics
public import NIOSSL

extension HTTPServerBuilder {
    /// HTTP/1.1, or HTTP/1.1 and HTTP/2 over TLS, within limits.
    ///
    /// - Parameters:
    ///   - limits: What a client may cost.
    ///   - tls: The certificate to show; `nil` serves HTTP/1.1 in the clear, for use behind a proxy.
    ///   - draining: Says when every answer is to be its connection's last.
    ///   - metrics: Where is counted which connections were closed.
    public static func watched(
        _ limits: ConnectionLimits,
        tls: TLSConfiguration?,
        draining: Draining = Draining(),
        metrics: any MetricsFactory = MetricsSystem.factory
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            let registry = ConnectionRegistry(maxConnections: limits.maxConnections, metrics: metrics)
            // Idle connections are closed by the connection's handler, which sees the TLS handshake too.
            let messages = HTTP1Channel.Configuration(
                additionalChannelHandlers: [MessageHandler(limits: limits, draining: draining)],
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: limits.maxHeaderFieldBytes,
                    maxHeaderListSize: limits.maxHeaderListBytes,
                    maxHeaderFieldCount: limits.maxHeaderFields
                )
            )
            guard let tls else {
                let http1 = HTTP1Channel(responder: responder, configuration: messages)
                return WatchedChannel(base: http1, limits: limits, registry: registry)
            }
            // What HTTP/2 alone can be flooded with (resets, continuations, settings, headers over 16 KiB) is bounded
            // by the defaults of swift-nio-http2.
            let http2 = try HTTP2UpgradeChannel(
                tlsConfiguration: tls,
                configuration: HTTP2ChannelConfiguration(
                    idleTimeout: limits.idleTimeout,
                    gracefulCloseTimeout: limits.headTimeout,
                    streamConfiguration: messages
                ),
                responder: responder
            )
            return WatchedChannel(base: http2, limits: limits, registry: registry)
        }
    }
}
