internal import CurlHTTP
internal import Logging
internal import Metrics
internal import Router

/// The router, with its own connections to the core API, so that forwarded requests and the service's own requests do not delay
/// each other.
struct RouterParts: Sendable {
    private let transport: CurlTransport
    private let streams: CurlTransport
    let router: CoreRouter

    /// A connection to the core API is silent for as long as an answer takes, and a stream for as long as nothing happens.
    /// Whether the peer is there is left to TCP, which sends probes every few seconds.
    private static let maxSilence = Duration.seconds(86_400)

    /// Creates the router.
    ///
    /// - Parameter reachabilityLog: Records whether the core API can be reached.
    /// - Returns: `nil` if the router is off.
    init?(_ settings: Settings, reachabilityLog: CoreAPIReachabilityLog, metrics: any MetricsFactory, logger: Logger)
        throws
    {
        guard let limits = settings.router, let base = settings.coreAPI else { return nil }
        var configuration = Self.configuration(limits)
        transport = try CurlTransport(configuration: configuration)
        configuration.maxBufferedBytes = Self.streamBufferBytes
        configuration.receiveBufferBytes = Self.streamBufferBytes
        streams = try CurlTransport(configuration: configuration)
        router = CoreRouter(
            to: base,
            transport: transport,
            streams: streams,
            limits: limits,
            metrics: metrics,
            logger: logger,
            observer: { reachabilityLog.record(isReachable: $0) }
        )
    }

    /// How requests that are not event streams reach the core API.
    static func configuration(_ limits: RouterLimits) -> CurlConfiguration {
        var configuration = CurlConfiguration(connectTimeout: limits.connectTimeout, maxSilence: maxSilence)
        // The core API may let an upload wait for as long as the limit of the response's head allows.
        configuration.maxUnacknowledged = nil
        configuration.maxBufferedBytes = limits.maxBufferedBytes
        configuration.receiveBufferBytes = receiveBufferBytes
        return configuration
    }

    /// Large, so that downloads need few reads.
    private static let receiveBufferBytes = 64 * 1_024
    /// Small, because there are many event streams, and most of them are silent most of the time. libcurl does not accept a
    /// smaller buffer.
    private static let streamBufferBytes = 1_024

    /// Ends all forwarded requests and all connections.
    func shutdown() async {
        await transport.shutdown()
        await streams.shutdown()
    }
}
