public import Hummingbird
public import PreviewControl
public import PreviewDomain
public import PreviewIdentity

/// The HTTP API: every route of the service, behind the middleware that all share.
public struct PreviewAPI: Sendable {
    let previews: Previews
    let gate: AgentPreviewGate
    let authenticator: Authenticator
    let access: RunAccess
    let address: PreviewAddress
    let brake: Brake
    let allowedOrigins: AllowedOrigins
    let time: MonotonicTime
    let forwardDecision: DecisionForwarder?

    /// - Parameters:
    ///   - gate: Starts previews for agents.
    ///   - authenticator: Says who a caller is.
    ///   - access: Says what a caller may do.
    ///   - address: How a token becomes the URL that a browser opens.
    ///   - brake: Why the service is not ready, when it is not.
    ///   - allowedOrigins: The web pages that may use the MCP endpoint.
    ///   - time: Paces what is sent to clients that wait.
    ///   - forwardDecision: Takes decisions about requests that are not ours; nil where no core API is configured.
    public init(
        previews: Previews,
        gate: AgentPreviewGate,
        authenticator: Authenticator,
        access: RunAccess,
        address: PreviewAddress,
        brake: Brake,
        allowedOrigins: AllowedOrigins,
        time: MonotonicTime,
        forwardDecision: DecisionForwarder? = nil
    ) {
        self.previews = previews
        self.gate = gate
        self.authenticator = authenticator
        self.access = access
        self.address = address
        self.brake = brake
        self.allowedOrigins = allowedOrigins
        self.time = time
        self.forwardDecision = forwardDecision
    }

    /// The router of the whole API, for the application and for tests.
    public func router() -> Router<PreviewRequestContext> {
        let router = Router(context: PreviewRequestContext.self)
        router.addMiddleware {
            RequestLogMiddleware()
            ErrorMiddleware()
        }
        HealthRoutes(brake: brake).add(to: router)
        let runs = router.group("api/runs/:runId")
            .add(middleware: AuthenticationMiddleware(authenticator: authenticator))
        let runGuard = RunGuard(access: access)
        PreviewRoutes(previews: previews, runs: runGuard, address: address).add(to: runs)
        GateRoutes(gate: gate, runs: runGuard, address: address, forwardDecision: forwardDecision).add(to: runs)
        let mcp = router.group("mcp")
            .add(middleware: OriginMiddleware(allowed: allowedOrigins))
            .add(middleware: AuthenticationMiddleware(authenticator: authenticator))
        MCPRoutes(server: MCPServer(tools: tools), time: time).add(to: mcp)
        return router
    }

    var tools: [any Tool] {
        [
            StartPreviewTool(gate: gate, previews: previews, access: access, address: address),
            ListPreviewsTool(previews: previews, access: access, address: address),
            StopPreviewTool(previews: previews, access: access),
        ]
    }
}
