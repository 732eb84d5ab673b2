internal import CurlHTTP
internal import Logging
internal import Metrics
internal import Router

/// What passes requests on to the core API. Its connections are nobody else's, so that neither side can hold up the other.
struct RouterParts: Sendable {
    private let transport: CurlTransport
    private let streams: CurlTransport
    let router: CoreRouter

    /// A connection to the core API is silent for as long as an answer takes, and a stream for as long as nothing happens.
    /// Whether the peer is there is left to TCP, which sends probes every few seconds.
    private static let maxSilence = Duration.seconds(86_400)

    /// - Parameter watch: Gets told whether the core API answers.
    /// - Returns: `nil` where the router is off.
    init?(_ settings: Settings, watch: CoreAPIWatch, metrics: any MetricsFactory, logger: Logger) throws {
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
            observer: { watch.note(isReachable: $0) }
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

    /// A download is read in large pieces.
    private static let receiveBufferBytes = 64 * 1_024
    /// There are many event streams, and most of the time nothing happens on them. libcurl takes no smaller buffer.
    private static let streamBufferBytes = 1_024

    /// Ends what is passed on, and all connections.
    func shutdown() async {
        await transport.shutdown()
        await streams.shutdown()
    }
}
