internal import FoundationEssentials
internal import Logging
public import PreviewDomain

/// A started preview, and where the time went.
public struct StartedPreview: Sendable {
    public let session: PreviewSession
    /// From the request to both objects existing.
    public let provisioning: Duration
    /// Waiting for the gateway and the app.
    public let waiting: Duration
    /// False where an earlier call of the same request had started the preview.
    public let isNew: Bool
}

/// A start that failed once it had been consented to.
struct FailedStart: Error {
    let cause: any Error
    /// Whether it is certain that neither a Service nor a route of this start is left.
    let leftNothing: Bool
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
    ///   - hostHeader: Which host the app is to see; the policy's choice where the caller does not say.
    public func start(
        run: RunID,
        port: Int,
        requester: String,
        hostHeader: HostHeader? = nil
    ) async throws(PreviewError) -> StartedPreview {
        try await metrics.counting(
            .operator,
            run: run,
            port: port,
            requester: requester,
            started: { $0 }
        ) { () async throws(PreviewError) in
            let port = try admit(port)
            return try await mappingClusterErrors {
                let began = time.uptime()
                let sandbox = try await sandboxes.sandbox(of: run)
                do {
                    return try await start(
                        run: run,
                        port: port,
                        sandbox: sandbox,
                        requester: requester,
                        hostHeader: hostHeader,
                        began: began
                    )
                } catch let failure as FailedStart {
                    throw failure.cause
                }
            }
        }
    }

    /// Checks what needs no look at the cluster: whether previews are started at all, now, and on this port.
    func admit(_ port: Int) throws(PreviewError) -> TargetPort {
        try checkIsEnabled()
        try checkBrake()
        return try checkPort(port)
    }

    func checkIsEnabled() throws(PreviewError) {
        guard !policy.isEnabled else { return }
        throw PreviewError(.disabled, "Previews are switched off here. An operator can switch them on.")
    }

    func checkPort(_ port: Int) throws(PreviewError) -> TargetPort {
        do { return try policy.ports.check(port) } catch { throw PreviewError(.invalid, error.message) }
    }

    /// The one way to a new preview, for operators and, behind the gate, for agents.
    ///
    /// - Parameters:
    ///   - began: The ``MonotonicTime/uptime`` from which the answer counts.
    ///   - consent: Runs after everything else was checked and before anything is created, with the token of the preview;
    ///     what it throws ends the start. It runs again in the unlikely case that the token has to be another one.
    /// - Throws: ``FailedStart`` for what goes wrong after the consent.
    func start(
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String,
        hostHeader: HostHeader? = nil,
        began: Duration,
        consent: (PreviewToken) async throws -> Void = { _ in }
    ) async throws -> StartedPreview {
        try checkBrake()
        let hostHeader = hostHeader ?? policy.hostHeader
        let preview = try await AnswerDeadline.reserve {
            try await checkLimits(for: run.label)
            return try await provision(
                run: run,
                port: port,
                sandbox: sandbox,
                requester: requester,
                host: hostHeader == .localhost ? .localhost : .preserve,
                consent: consent
            )
        }
        let provisioned = time.uptime()
        logger.info(
            "a preview was started",
            metadata: [
                "preview": "\(preview.token.fingerprint)", "run": "\(run)", "port": "\(port.number)",
                "by": "\(SecretMask.mask(requester))",
            ]
        )
        if let event = TimelineEvent.started(preview, policy: policy.lifetime) { timeline.record(event) }
        let (current, readiness) = await AnswerDeadline.suspend { await waitUntilServing(preview, host: hostHeader) }
        // The app's answer is proof that both objects are there.
        if readiness.appStatus == nil { try await checkThatItStands(preview) }
        return StartedPreview(
            session: PreviewSession(current, policy: policy.lifetime, readiness: readiness),
            provisioning: provisioned - began,
            waiting: time.uptime() - provisioned,
            isNew: true
        )
    }

    func checkBrake() throws(PreviewError) {
        guard let reason = brake.reason else { return }
        throw PreviewError(
            .braked,
            "No new previews are started at the moment, because \(reason). Try again shortly.",
            retryAfter: PreviewError.defaultRetryAfter
        )
    }

    // MARK: Limits

    /// Throws when the run, or the whole service, has as many previews as it may.
    ///
    /// The copy may still hold what has ended elsewhere, so nobody is refused for what it says: then the cluster is asked.
    func checkLimits(for run: RunLabel) async throws {
        if let known = mirror.routes(), refusal(of: run, beside: known) == nil { return }
        let routes = try await objects.routes(known: mirror.knownRoute)
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
        requester: String,
        host: HostHeader,
        consent: (PreviewToken) async throws -> Void
    ) async throws -> Preview {
        for _ in 0..<Self.maxMintings {
            let token = try mintToken()
            try await consent(token)
            do {
                try await labelWhereNeeded(sandbox, with: run.label)
                return try await provision(
                    try await blueprint(token, run: run, port: port, sandbox: sandbox, requester: requester, host: host)
                )
            } catch let error as ClusterError where error.kind == .alreadyExists {
                continue
            } catch let failure as FailedStart {
                throw failure
            } catch {
                // Nothing was asked to be created yet.
                throw FailedStart(cause: error, leftNothing: true)
            }
        }
        throw FailedStart(
            cause: ClusterError(.rejected, "every object name that was tried exists already"),
            leftNothing: true
        )
    }

    private func labelWhereNeeded(_ sandbox: BoundSandbox, with run: RunLabel) async throws {
        guard policy.labelsPods || sandbox.selector == .perRunLabel else { return }
        let now = try await currentTime().latest
        guard try await objects.label(sandbox.pod, with: run, at: now) else {
            throw PreviewError(.noSandbox, "The run's sandbox pod was replaced just now. Try again.")
        }
    }

    private func provision(_ blueprint: PreviewBlueprint) async throws -> Preview {
        let service = try await createService(for: blueprint)
        do {
            let preview = try await objects.createRoute(for: blueprint)
            try await withdrawIfOvershot(preview, of: blueprint.annotations.run)
            return preview
        } catch {
            let leftNothing = await rollBack(blueprint.annotations.token, serviceUID: service.uid)
            if let error = error as? ClusterError, error.kind == .alreadyExists, leftNothing { throw error }
            throw FailedStart(cause: error, leftNothing: leftNothing)
        }
    }

    private func createService(for blueprint: PreviewBlueprint) async throws -> PreviewBackend {
        do {
            return try await objects.createService(for: blueprint)
        } catch {
            // One that exists already is somebody else's. In any other case it may have been made unheard.
            guard error.kind != .alreadyExists else { throw error }
            let leftNothing = await rollBack(blueprint.annotations.token, serviceUID: nil)
            throw FailedStart(cause: error, leftNothing: leftNothing)
        }
    }

    private func mintToken() throws(ClusterError) -> PreviewToken {
        do {
            return try PreviewToken.mint(randomBytes: randomBytes)
        } catch {
            logger.critical("no token could be created", metadata: ["error": "\(error)"])
            throw ClusterError(.unavailable, "this replica has no source of randomness")
        }
    }

    private func blueprint(
        _ token: PreviewToken,
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String,
        host: HostHeader
    ) async throws -> PreviewBlueprint {
        let now = try await currentTime()
        let life = policy.lifetime.initial(startedAt: now.latest)
        return PreviewBlueprint(
            annotations: PreviewAnnotations(
                expiresAt: life.expiresAt,
                maxUntil: life.maxUntil,
                runID: run,
                claimUID: sandbox.claim.uid,
                claimName: sandbox.claim.name,
                token: token,
                owner: sandbox.owner ?? requester,
                pod: sandbox.pod.name,
                podUID: sandbox.pod.uid,
                targetPort: port.number,
                startedAt: now.latest
            ),
            selector: sandbox.selector,
            host: host
        )
    }

    /// Looks at the limits once more, now that this preview counts, and throws when it is one too many.
    ///
    /// Replicas that start at the same time see the same order, and those behind the limit withdraw. The order is by
    /// `creationTimestamp`, which has whole seconds: a preview may be ahead of one that was finished before it began.
    /// So a preview that is within the limit but sees too many looks again, and withdraws when the others stay.
    private func withdrawIfOvershot(_ mine: Preview, of run: RunLabel) async throws {
        for look in 1...Self.maxLimitLooks {
            let others = try await objects.routes(known: mirror.knownRoute).filter { $0.token != mine.token }
            guard let refusal = refusal(of: run, beside: others) else { return }
            let ranks = others.filter { !$0.isBeingDeleted }.map { PreviewRank($0) }
            if look == Self.maxLimitLooks || policy.limits.withdraws(PreviewRank(mine), among: ranks) { throw refusal }
            try await time.sleep(Self.limitLookPause)
        }
    }

    /// Throws when the new preview's Service was deleted while it was being started: nobody is to be given an address that
    /// can never work. What cannot be read is not gone.
    private func checkThatItStands(_ preview: Preview) async throws {
        let service: PreviewBackend?
        do {
            service = try await AnswerDeadline.begin(time) { try await objects.backend(preview.token) }
        } catch {
            return
        }
        guard service == nil else { return }
        _ = await rollBack(preview.token, serviceUID: nil)
        // Another call of the same request may have been given this preview already, so no grant is given back.
        throw FailedStart(
            cause: ClusterError(
                .unavailable,
                "the preview's Service was deleted while the preview was being started"
            ),
            leftNothing: false
        )
    }

    // MARK: Rolling back

    /// Deletes what a failed start made, also what it may have made without hearing of it. It has its own deadline and
    /// is not stopped by the caller's going away; what it cannot delete, the reaper ends, without a grace time.
    ///
    /// - Parameter serviceUID: The UID of the Service, where its creation was acknowledged.
    /// - Returns: Whether the cluster has confirmed that neither object exists.
    private func rollBack(_ token: PreviewToken, serviceUID: String?) async -> Bool {
        // Unstructured on purpose: a cancelled caller must not cancel the clean-up. It is bounded by its deadline.
        let work = Task(executorPreference: UncancelledWork.executor) {
            await AnswerDeadline.begin(time, limit: Self.rollbackTimeout) {
                await deleteRemains(of: token, serviceUID: serviceUID)
            }
        }
        let deadline = Task(executorPreference: UncancelledWork.executor) {
            try await time.sleep(Self.rollbackTimeout)
            work.cancel()
        }
        defer { deadline.cancel() }
        return await work.value
    }

    /// A deletion that was accepted need not be over, where something holds the object; so what existed is looked for again.
    private func deleteRemains(of token: PreviewToken, serviceUID: String?) async -> Bool {
        do {
            if let route = try await objects.route(token) {
                _ = try await objects.deleteRoute(token, .uid(route.uid))
                guard try await objects.route(token) == nil else { return false }
            }
            let existing = if let serviceUID { serviceUID } else { try await objects.backend(token)?.uid }
            guard let existing else { return true }
            _ = try await objects.deleteBackend(token, .uid(existing))
            return try await objects.backend(token) == nil
        } catch {
            mirror.noteEnd(of: token, lookAt: clusterTime.reading()?.latest ?? .distantPast)
            logger.error(
                "a failed start left objects for the reaper",
                metadata: ["preview": "\(token.fingerprint)", "error": "\(error)"]
            )
            return false
        }
    }
}
