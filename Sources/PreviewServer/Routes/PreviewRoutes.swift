internal import Hummingbird
internal import PreviewControl
internal import PreviewDomain
internal import PreviewIdentity

/// Start, keepalive, stop, list and check of one run's previews.
struct PreviewRoutes: Sendable {
    let previews: Previews
    let runs: RunGuard
    let address: PreviewAddress
    let waiting: WaitingCalls

    func add(to run: RouterGroup<PreviewRequestContext>) {
        run.post("sandbox/port-forward", use: start)
        run.get("sandbox/port-forward", use: list)
        run.get("sandbox/port-forward/:token", use: check)
        run.delete("sandbox/port-forward/:token", use: stop)
        run.post("sandbox/preview/:token/keepalive", use: keepAlive)
    }

    @Sendable private func start(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .start)
        let caller = try context.authenticatedCaller
        let body = try await StartBody(reading: request, maxBytes: context.maxUploadSize)
        let started = try await previews.start(
            run: run,
            port: body.targetPort,
            requester: caller.identity,
            hostHeader: body.hostHeader
        )
        return try JSONBody(started, run: run, address: address)
    }

    @Sendable private func list(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .list)
        let sessions = try await previews.list(run: run)
        return try JSONBody(sessions.map { SessionBody($0, run: run, address: address) })
    }

    @Sendable private func check(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .list)
        let token = try token(context)
        let pause = try request.wait(atMost: Previews.longestCheckWait)
        // Only a waiting call takes a place.
        let session =
            pause > .zero
            ? try await waiting.wait(for: run, atMost: pause, context: context) {
                try await previews.check(run: run, token: token, wait: pause)
            } : try await previews.check(run: run, token: token)
        return try JSONBody(SessionBody(session, run: run, address: address))
    }

    @Sendable private func stop(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .stop)
        let token = try token(context)
        try await previews.stop(run: run, token: token, by: context.authenticatedCaller.identity)
        return try JSONBody(StoppedBody(sessionID: token.text))
    }

    @Sendable private func keepAlive(_ request: Request, _ context: PreviewRequestContext) async throws -> JSONBody {
        let run = try await runs.run(context, for: .keepAlive)
        let token = try token(context)
        let kept = try await previews.keepAlive(run: run, token: token)
        return JSONBody(token: token, kept)
    }

    /// A malformed token is looked up like an unknown one, so that neither the response nor its time distinguishes the
    /// two.
    private func token(_ context: PreviewRequestContext) throws -> PreviewToken {
        PreviewToken(try context.parameters.require("token")) ?? .placeholder
    }
}
