internal import Basics
public import Hummingbird
public import Logging
public import Metrics
public import NIOCore
public import PreviewControl
public import PreviewDomain
public import PreviewIdentity
public import Router

/// The HTTP API: every route of the service, with the common middleware.
public struct PreviewAPI: Sendable {
    let core: ReplicaCore
    let authenticator: Authenticator
    let access: RunAccess
    let address: PreviewAddress
    let timeline: TimelineReader
    let allowedOrigins: AllowedOrigins
    let time: MonotonicTime
    let coreRouter: CoreRouter?
    let broadcast: TimelineBroadcast?
    let children: ChildRequestFinder?
    let limits: RequestLimits
    let draining: Draining
    let build: BuildInfo
    let metrics: any MetricsFactory
    let metricsPage: MetricsPage
    let waitingCalls: WaitingCalls
    let eventStreams: WaitingCalls

    /// - Parameters:
    ///   - core: The use cases for routes and tools.
    ///   - authenticator: Authenticates callers.
    ///   - access: Decides what a caller may do.
    ///   - address: The format of URLs.
    ///   - timeline: The events of the runs' previews.
    ///   - coreRouter: Forwards requests to the core API; `nil` if the router is off.
    ///   - broadcast: The events that are merged into forwarded event streams.
    ///   - children: Finds the requests of child runs that are merged into forwarded event streams.
    ///   - allowedOrigins: The web pages that may read responses and use the MCP endpoint.
    ///   - time: The clock for waiting clients and for the rate of callers.
    ///   - limits: The limits for requests.
    ///   - draining: Shows whether this replica is shutting down.
    ///   - build: The build, for the liveness route.
    ///   - metrics: The destination of the server's own metrics.
    ///   - metricsPage: All metrics in Prometheus' text format; empty without it.
    public init(
        core: ReplicaCore,
        authenticator: Authenticator,
        access: RunAccess,
        address: PreviewAddress,
        timeline: TimelineReader,
        allowedOrigins: AllowedOrigins,
        time: MonotonicTime,
        coreRouter: CoreRouter? = nil,
        broadcast: TimelineBroadcast? = nil,
        children: ChildRequestFinder? = nil,
        limits: RequestLimits = RequestLimits(),
        draining: Draining = Draining(),
        build: BuildInfo = BuildInfo(version: "unknown", commit: "unknown", date: "unknown"),
        metrics: any MetricsFactory = MetricsSystem.factory,
        metricsPage: @escaping MetricsPage = { "" }
    ) {
        self.core = core
        self.authenticator = authenticator
        self.access = access
        self.address = address
        self.timeline = timeline
        self.allowedOrigins = allowedOrigins
        self.time = time
        self.coreRouter = coreRouter
        self.broadcast = broadcast
        self.children = children
        self.limits = limits
        self.draining = draining
        self.build = build
        self.metrics = metrics
        self.metricsPage = metricsPage
        waitingCalls = WaitingCalls(limits: limits)
        eventStreams = WaitingCalls(limits: limits.forStreams)
    }

    /// Answers the requests of the whole API, each within its time limit.
    func responder() -> TimeLimitedResponder<RouterResponder<PreviewRequestContext>> {
        TimeLimitedResponder(base: router().buildResponder(), limit: limits.responseTimeout, time: time)
    }

    /// All routes, with their common middleware.
    func router() -> Router<PreviewRequestContext> {
        let router = describedRouter()
        router.answerOtherMethods()
        return router
    }

    /// The routes that the API's description must contain, and no others.
    func describedRouter() -> Router<PreviewRequestContext> {
        let router = Router(context: PreviewRequestContext.self, options: .autoGenerateHeadEndpoints)
        router.addMiddleware {
            RequestTraceMiddleware()
            RequestLogMiddleware()
            SecurityHeaders()
            CORSMiddleware(allowed: allowedOrigins)
            ErrorMiddleware()
            BodyLimitMiddleware()
        }
        HealthRoutes(core: core, draining: draining, build: build).add(to: router)
        DescriptionRoute().add(to: router)
        MetricsRoute(page: metricsPage).add(to: router)
        router.add(middleware: ConcurrencyMiddleware(requests: ConcurrencyLimit(limits.maxInProgress)))
        let rates = CallerRates(limits: limits, time: time)
        let runs = router.group("api/runs/:runId")
            .add(middleware: AuthenticationMiddleware(authenticator: authenticator))
            .add(middleware: RateLimitMiddleware(rates: rates))
        let runGuard = RunGuard(access: access)
        PreviewRoutes(previews: core.previews, runs: runGuard, address: address, waiting: waitingCalls).add(to: runs)
        GateRoutes(
            gate: core.gate,
            runs: runGuard,
            address: address,
            waiting: waitingCalls,
            router: coreRouter
        ).add(to: runs)
        TimelineRoutes(reader: timeline, runs: runGuard, streams: eventStreams, time: time).add(to: runs)
        let mcp = router.group("mcp")
            .add(middleware: OriginMiddleware(allowed: allowedOrigins))
            .add(middleware: AuthenticationMiddleware(authenticator: authenticator))
        MCPRoutes(server: MCPServer(tools: tools, access: access), rates: rates, time: time).add(to: mcp)
        return router
    }

    var tools: [any Tool] {
        [
            StartPreviewTool(
                gate: core.gate,
                previews: core.previews,
                waiting: waitingCalls,
                access: access,
                address: address
            ),
            ListPreviewsTool(previews: core.previews, address: address),
            CheckPreviewTool(previews: core.previews, waiting: waitingCalls, address: address),
            StopPreviewTool(previews: core.previews),
        ]
    }
}

extension PreviewAPI {
    /// The HTTP server of the whole API, for the service and for tests.
    ///
    /// - Parameters:
    ///   - address: The address on which it listens.
    ///   - connections: The limits for connections.
    ///   - onRunning: Called once it listens.
    public func application(
        address: BindAddress,
        connections: ConnectionLimits = ConnectionLimits(),
        logger: Logger,
        onRunning: @escaping @Sendable (any Channel) async -> Void = { _ in }
    ) -> Application<TimeLimitedResponder<RouterResponder<PreviewRequestContext>>> {
        Application(
            responder: responder(),
            server: .limited(
                connections,
                draining: draining,
                metrics: metrics,
                router: coreRouter,
                streams: broadcast.map { RunStreamSource(gate: core.gate, broadcast: $0, children: children) }
            ),
            // Without a name there is no `Server` header, which could help attackers.
            configuration: ApplicationConfiguration(address: address, serverName: nil, backlog: Self.backlog),
            onServerRunning: onRunning,
            logger: logger
        )
    }

    /// The number of connections that the kernel holds until they are accepted.
    private static let backlog = 1_024
}

/// The context of one request for middleware and handlers.
public struct PreviewRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The caller; set by the authentication middleware, so that later handlers can rely on it.
    var caller: Caller?
    /// The time limit of the request.
    let timeLimit = RequestTimeLimit()
    /// Whether the request was forwarded, and the response is the core API's.
    let forwarding = ForwardingProgress()
    /// The connection of the request.
    let channel: any Channel

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// A body is a few members of JSON. A longer one is answered with 413 before it is read completely.
    public var maxUploadSize: Int { Self.maxBodyBytes }

    /// The largest request body, in bytes.
    public static let maxBodyBytes = 16 * 1024
}
