public import Hummingbird
public import PreviewControl
public import PreviewDomain
public import PreviewIdentity

/// The HTTP API: every route of the service, behind the middleware that all share.
public struct PreviewAPI: Sendable {
    let previews: Previews
    let authenticator: Authenticator
    let access: RunAccess
    let address: PreviewAddress
    let brake: Brake
    let timeline: TimelineReader
    let allowedOrigins: AllowedOrigins
    let time: MonotonicTime

    /// - Parameters:
    ///   - authenticator: Says who a caller is.
    ///   - access: Says what a caller may do.
    ///   - address: How a token becomes the URL that a browser opens.
    ///   - brake: Why the service is not ready, when it is not.
    ///   - timeline: What happened to the runs' previews.
    ///   - allowedOrigins: The web pages that may use the MCP endpoint.
    ///   - time: Paces what is sent to clients that wait.
    public init(
        previews: Previews,
        authenticator: Authenticator,
        access: RunAccess,
        address: PreviewAddress,
        brake: Brake,
        timeline: TimelineReader,
        allowedOrigins: AllowedOrigins,
        time: MonotonicTime
    ) {
        self.previews = previews
        self.authenticator = authenticator
        self.access = access
        self.address = address
        self.brake = brake
        self.timeline = timeline
        self.allowedOrigins = allowedOrigins
        self.time = time
    }

    /// The router of the whole API, for the application and for tests.
    public func router() -> Router<PreviewRequestContext> { router(offering: tools) }

    func router(offering tools: [any Tool]) -> Router<PreviewRequestContext> {
        let router = Router(context: PreviewRequestContext.self)
        router.addMiddleware {
            RequestLogMiddleware()
            ErrorMiddleware()
        }
        HealthRoutes(brake: brake).add(to: router)
        let runs = router.group("api/runs/:runId")
            .add(middleware: AuthenticationMiddleware(authenticator: authenticator))
        PreviewRoutes(previews: previews, runs: RunGuard(access: access), address: address).add(to: runs)
        TimelineRoutes(reader: timeline, runs: RunGuard(access: access), time: time).add(to: runs)
        let mcp = router.group("mcp")
            .add(middleware: OriginMiddleware(allowed: allowedOrigins))
            .add(middleware: AuthenticationMiddleware(authenticator: authenticator))
        MCPRoutes(server: MCPServer(tools: tools), time: time).add(to: mcp)
        return router
    }

    var tools: [any Tool] {
        [
            ListPreviewsTool(previews: previews, access: access, address: address),
            StopPreviewTool(previews: previews, access: access),
        ]
    }
}
