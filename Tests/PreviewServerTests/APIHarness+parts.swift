import Basics
import CoreAPI
import HTTPTransport
import HTTPTypes
import Hummingbird
import PreviewDomain
import PreviewIdentity
import PrometheusMetrics
import Router
import TestSupport

@testable import PreviewControl
@testable import PreviewServer

extension APIHarness {
    /// The API of this harness with other authentication, and with a core API that decides about runs.
    func apiWithCoreAPI(_ authenticator: Authenticator, transport: ScriptedTransport) throws -> PreviewAPI {
        let client = CoreAPIClient(base: try BaseURL("https://api.example.com"), transport: transport)
        return PreviewAPI(
            core: core,
            authenticator: authenticator,
            access: RunAccess(CoreAPIAuthority(client, uptime: api.time.uptime)),
            address: api.address,
            timeline: api.timeline,
            allowedOrigins: api.allowedOrigins,
            time: api.time
        )
    }

    /// The gate's routes alone, for this caller, whatever the credentials.
    ///
    /// - Parameter core: The port of the core API on 127.0.0.1; `nil` if the router is off.
    func gateResponder(
        for caller: Caller,
        core: Int? = nil
    ) throws -> RouterResponder<PreviewRequestContext> {
        let router = Router(context: PreviewRequestContext.self)
        router.addMiddleware {
            ErrorMiddleware()
            KnownCaller(caller: caller)
        }
        GateRoutes(
            gate: gate,
            runs: RunGuard(access: api.access),
            address: api.address,
            waiting: WaitingCalls(limits: RequestLimits()),
            router: try core.map { try CoreRouter.forwarding(to: $0) }
        ).add(to: router.group("api/runs/:runId"))
        return router.buildResponder()
    }
}

extension CoreRouter {
    /// A router that forwards to the core API on this port of 127.0.0.1.
    static func forwarding(to port: Int, _ limits: RouterLimits = RouterLimits()) throws -> CoreRouter {
        try CoreRouter(
            to: try BaseURL("http://127.0.0.1:\(port)"),
            limits: limits,
            metrics: PrometheusRegistry(),
            logger: .silent
        )
    }
}

/// Passes requests on as if they came from this caller.
struct KnownCaller: RouterMiddleware {
    let caller: Caller

    func handle(
        _ request: Request,
        context: PreviewRequestContext,
        next: (Request, PreviewRequestContext) async throws -> Response
    ) async throws -> Response {
        var context = context
        context.caller = caller
        return try await next(request, context)
    }
}

extension HTTPFields {
    /// The fields of a request with a JSON body and a bearer token.
    static func json(bearer: String, prefer: String? = nil) -> HTTPFields {
        var fields: HTTPFields = [.authorization: "Bearer \(bearer)", .contentType: "application/json"]
        if let prefer, let name = HTTPField.Name("Prefer") { fields[name] = prefer }
        return fields
    }
}
