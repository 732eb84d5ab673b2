internal import FoundationEssentials
internal import Logging
public import PreviewDomain

/// A started preview, and where the time went.
public struct StartedPreview: Sendable {
    public let session: PreviewSession
    /// From the request to both objects existing.
    public let provisioning: Duration
    /// Waiting for the gateway and the app.
    public let settling: Duration
}

extension Previews {
    /// How often a token whose Service exists already is replaced by another. With 128 random bits a single collision
    /// is next to impossible, so a second one means that something else is wrong.
    private static let maxMintings = 3
    /// How often, and how far apart, a start that overshot a limit looks whether the others withdraw.
    private static let maxLimitLooks = 4
    private static let limitLookPause = Duration.milliseconds(250)
    /// How long cleaning up after a failed start may take, however the start ended.
    private static let rollbackTimeout = AnswerDeadline.takingBack
    /// What `Retry-After` says at most when a limit is reached: a stopped preview makes room at any time.
    private static let longestLimitWait = Duration.seconds(60)

    /// Exposes a port of the run's sandbox.
    ///
    /// Both objects exist when this returns, and neither when it throws.
    ///
    /// - Parameters:
    ///   - port: The port on which the app in the sandbox listens.
    ///   - requester: Whom the preview belongs to where the claim does not name the run's owner.
    public func start(
        run: RunID,
        port: Int,
        requester: String
    ) async throws(PreviewError) -> StartedPreview {
        try await metrics.counting(.operator, started: { $0 }) { () async throws(PreviewError) in
            let port = try admit(port)
            return try await asking {
                let began = time.uptime()
                let sandbox = try await sandboxes.sandbox(of: run)
                return try await start(run: run, port: port, sandbox: sandbox, requester: requester, began: began)
            }
        }
    }

    /// Checks what needs no look at the cluster: whether previews are started at all, and on this port.
    func admit(_ port: Int) throws(PreviewError) -> TargetPort {
        guard policy.isEnabled else {
            throw PreviewError(.disabled, "Previews are switched off here. An operator can switch them on.")
        }
        try checkBrake()
        do { return try policy.ports.check(port) } catch { throw PreviewError(.invalid, error.message) }
    }

    /// The one way to a new preview, for operators and, behind the gate, for agents.
    ///
    /// - Parameters:
    ///   - began: The ``MonotonicTime/uptime`` from which the answer counts.
    ///   - consent: Runs after everything else was checked and before anything is created; what it throws ends the start.
    func start(
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String,
        began: Duration,
        consent: () async throws -> Void = {}
    ) async throws -> StartedPreview {
        try checkBrake()
        let preview = try await AnswerDeadline.reserve {
            try await checkLimits(for: run.label)
            try await consent()
            return try await provision(run: run, port: port, sandbox: sandbox, requester: requester)
        }
        let provisioned = time.uptime()
        logger.info(
            "a preview was started",
            metadata: ["preview": "\(preview.token.fingerprint)", "port": "\(port.number)"]
        )
        if let event = TimelineEvent.started(preview, policy: policy.lifetime) { timeline.record(event) }
        let readiness = await AnswerDeadline.suspend { await settle(preview.token) }
        return StartedPreview(
            session: PreviewSession(preview, policy: policy.lifetime, readiness: readiness),
            provisioning: provisioned - began,
            settling: time.uptime() - provisioned
        )
    }

    private func checkBrake() throws(PreviewError) {
        guard let reason = brake.reason else { return }
        throw PreviewError(
            .braked,
            "No new previews are started at the moment, because \(reason). Try again shortly.",
            retryAfter: PreviewError.defaultRetryAfter
        )
    }

    // MARK: Limits

    /// Throws when the run, or the whole service, has as many previews as it may.
    func checkLimits(for run: RunLabel) async throws {
        let routes: [Preview]
        if let known = index.routes() { routes = known } else { routes = try await objects.routes() }
        if let refusal = refusal(of: run, beside: routes) { throw refusal }
    }

    /// Why one more preview of `run` is too many beside `others`, or `nil` when it is not.
    private func refusal(of run: RunLabel, beside others: [Preview]) -> PreviewError? {
        let all = others.filter { !$0.isBeingDeleted }
        let ofRun = all.filter { $0.run == run }
        switch policy.limits.verdict(runCount: ofRun.count, globalCount: all.count) {
        case .allowed:
            return nil
        case .runLimitReached(let limit):
            return PreviewError(
                .limitReached,
                "This run has \(limit) previews, as many as it may have. Stop one of them, then start again.",
                retryAfter: timeToRoom(among: ofRun)
            )
        case .globalLimitReached(let limit):
            return PreviewError(
                .limitReached,
                "All \(limit) previews that may exist at once are in use. Try again later.",
                retryAfter: timeToRoom(among: all)
            )
        }
    }

    private func timeToRoom(among previews: [Preview]) -> Duration {
        guard let now = clusterTime.reading()?.latest,
            let first = previews.map({ $0.deadline(policy: policy.lifetime) }).min()
        else { return Self.longestLimitWait }
        return min(max(first.duration(since: now), .seconds(1)), Self.longestLimitWait)
    }

    // MARK: Provisioning

    /// Creates Service and HTTPRoute and looks at the limits again. Whatever fails after the first create takes back
    /// what was made.
    private func provision(
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String
    ) async throws -> Preview {
        if case .perRunLabel = sandbox.selector {
            guard try await objects.label(sandbox.pod, with: run.label) else {
                throw PreviewError(.noSandbox, "The run's sandbox pod was replaced just now. Try again.")
            }
        }
        for _ in 0..<Self.maxMintings {
            let blueprint = try await blueprint(run: run, port: port, sandbox: sandbox, requester: requester)
            do {
                return try await provision(blueprint)
            } catch let error as ClusterError where error.kind == .alreadyExists {
                continue
            }
        }
        throw ClusterError(.rejected, "every object name that was tried exists already")
    }

    private func provision(_ blueprint: PreviewBlueprint) async throws -> Preview {
        let service = try await createService(for: blueprint)
        do {
            let preview = try await objects.createRoute(for: blueprint)
            try await withdrawIfOvershot(preview, of: blueprint.annotations.run)
            return preview
        } catch {
            await rollBack(blueprint.annotations.token, serviceUID: service.uid)
            throw error
        }
    }

    private func createService(for blueprint: PreviewBlueprint) async throws(ClusterError) -> PreviewBackend {
        do {
            return try await objects.createService(for: blueprint)
        } catch {
            // A Service that exists already is somebody else's. In any other case it may have been made unheard.
            if error.kind != .alreadyExists { await rollBack(blueprint.annotations.token, serviceUID: nil) }
            throw error
        }
    }

    private func blueprint(
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String
    ) async throws -> PreviewBlueprint {
        let token: PreviewToken
        do {
            token = try PreviewToken.mint(randomBytes: randomBytes)
        } catch {
            logger.critical("no token could be minted", metadata: ["error": "\(error)"])
            throw ClusterError(.unavailable, "this replica has no source of randomness")
        }
        let now = try await currentTime()
        let life = policy.lifetime.initial(startedAt: now.latest)
        return PreviewBlueprint(
            annotations: PreviewAnnotations(
                expiresAt: life.expiresAt,
                maxUntil: life.maxUntil,
                runID: run,
                claimUID: sandbox.claim.uid,
                token: token,
                owner: sandbox.owner ?? requester,
                pod: sandbox.pod.name,
                podUID: sandbox.pod.uid,
                targetPort: port.number,
                startedAt: now.latest
            ),
            selector: sandbox.selector
        )
    }

    /// Looks at the limits once more, now that this preview counts, and throws when it is one too many.
    ///
    /// Replicas that start at the same time see the same order, and those behind the limit withdraw. The order is by
    /// `creationTimestamp`, which has whole seconds: a preview may be ahead of one that was finished before it began.
    /// So a preview that is within the limit but sees too many looks again, and withdraws when the others stay.
    private func withdrawIfOvershot(_ mine: Preview, of run: RunLabel) async throws {
        for look in 1...Self.maxLimitLooks {
            let others = try await objects.routes(known: index.knownRoute).filter { $0.token != mine.token }
            guard let refusal = refusal(of: run, beside: others) else { return }
            let ranks = others.filter { !$0.isBeingDeleted }.map { PreviewRank($0) }
            if look == Self.maxLimitLooks || policy.limits.withdraws(PreviewRank(mine), among: ranks) { throw refusal }
            try await time.sleep(Self.limitLookPause)
        }
    }

    // MARK: Rolling back

    /// Deletes what a failed start made, also what it may have made without hearing of it. It has its own deadline and
    /// is not stopped by the caller's going away; what it cannot delete, the reaper ends as an orphan.
    ///
    /// - Parameter serviceUID: The UID of the Service, where its creation was acknowledged.
    private func rollBack(_ token: PreviewToken, serviceUID: String?) async {
        // Unstructured on purpose: a cancelled caller must not cancel the clean-up. It is bounded by its deadline.
        let work = Task {
            await AnswerDeadline.begin(time, limit: Self.rollbackTimeout) {
                await deleteRemains(of: token, serviceUID: serviceUID)
            }
        }
        let deadline = Task {
            try await time.sleep(Self.rollbackTimeout)
            work.cancel()
        }
        await work.value
        deadline.cancel()
    }

    private func deleteRemains(of token: PreviewToken, serviceUID: String?) async {
        do {
            if let route = try await objects.route(token) {
                _ = try await objects.deleteRoute(token, .uid(route.uid))
            }
            if let serviceUID {
                _ = try await objects.deleteBackend(token, .uid(serviceUID))
            } else if let service = try await objects.backend(token) {
                _ = try await objects.deleteBackend(token, .uid(service.uid))
            }
        } catch {
            logger.error(
                "a failed start left objects for the reaper",
                metadata: ["preview": "\(token.fingerprint)", "error": "\(error)"]
            )
        }
    }
}
