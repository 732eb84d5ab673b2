public import Hummingbird
public import Logging
public import NIOCore
internal import PreviewControl

extension PreviewAPI {
    /// The HTTP server of the whole API, for the service and for tests.
    ///
    /// - Parameters:
    ///   - address: Where it listens.
    ///   - connections: What connections may cost.
    ///   - onRunning: Called once it listens.
    public func application(
        address: BindAddress,
        connections: ConnectionLimits = ConnectionLimits(),
        logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> Application<TimeLimitedResponder<RouterResponder<PreviewRequestContext>>> {
        Application(
            responder: responder(),
            server: .watched(
                connections,
                draining: draining,
                metrics: metrics,
                router: coreRouter,
                streams: broadcast.map { RunStreamSource(gate: core.gate, broadcast: $0) }
            ),
            // Without a name there is no `Server` header: who attacks need not know what.
            configuration: ApplicationConfiguration(address: address, serverName: nil, backlog: Self.backlog),
            onServerRunning: onRunning,
            logger: logger
        )
    }

    /// How many connections the kernel holds until they are accepted.
    private static let backlog = 1_024
}
