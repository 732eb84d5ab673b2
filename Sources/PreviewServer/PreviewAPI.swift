public import Hummingbird
public import Logging
public import Metrics
public import NIOCore
public import PreviewControl
public import PreviewDomain
public import PreviewIdentity
public import Router

/// The HTTP API: every route of the service, behind the middleware that all share.
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
    let limits: RequestLimits
    let draining: Draining
    let build: BuildInfo
    let metrics: any MetricsFactory
    let metricsPage: MetricsPage
    let waitingCalls: WaitingCalls
    let eventStreams: WaitingCalls

    /// - Parameters:
    ///   - core: What the routes and tools call.
    ///   - authenticator: Says who a caller is.
    ///   - access: Says what a caller may do.
    ///   - address: How a token becomes the URL that a browser opens.
    ///   - timeline: What happened to the runs' previews.
    ///   - coreRouter: Passes on what is the core API's; `nil` where the router is off.
    ///   - broadcast: What is set between the core API's own events in the event streams that are passed on.
    ///   - allowedOrigins: The web pages that may read the service's answers, and use the MCP endpoint at all.
    ///   - time: Paces what is sent to clients that wait, and what callers may send.
    ///   - limits: What requests may cost.
    ///   - draining: Says when this replica is about to stop.
    ///   - build: What the liveness route says of the program.
    ///   - metrics: Where the server's own metrics go.
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
        self.limits = limits
        self.draining = draining
        self.build = build
        self.metrics = metrics
        self.metricsPage = metricsPage
        waitingCalls = WaitingCalls(limits: limits)
        eventStreams = WaitingCalls(limits: limits.forStreams)
    }

    /// Answers the requests of the whole API, each within its time.
    public func responder() -> TimeLimitedResponder<RouterResponder<PreviewRequestContext>> {
        TimeLimitedResponder(base: router().buildResponder(), limit: limits.answerTimeout, time: time)
    }

    /// All routes, behind the middleware that they share.
    public func router() -> Router<PreviewRequestContext> {
        let router = describedRouter()
        router.answerOtherMethods()
        return router
    }

    /// The routes that the API's description has to have, no more and no fewer.
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
        MCPRoutes(server: MCPServer(tools: tools), rates: rates, time: time).add(to: mcp)
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
            ListPreviewsTool(previews: core.previews, access: access, address: address),
            CheckPreviewTool(previews: core.previews, waiting: waitingCalls, access: access, address: address),
            StopPreviewTool(previews: core.previews, access: access),
        ]
    }
}

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

/// What travels with one request through middleware and handler.
public struct PreviewRequestContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// Who asks; set by the authentication middleware, so every handler behind it can rely on it.
    var caller: Caller?
    /// How long the request may take.
    let timeLimit = RequestTimeLimit()
    /// Whether the answer is the core API's.
    let passedOn = PassedOnMark()
    /// The connection that the request came on.
    let channel: any Channel

    public init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    /// A body is a few members of JSON. Anything longer is answered with 413 before it is read to its end.
    public var maxUploadSize: Int { Self.maxBodyBytes }

    /// The largest request body, in bytes.
    public static let maxBodyBytes = 16 * 1024
}
