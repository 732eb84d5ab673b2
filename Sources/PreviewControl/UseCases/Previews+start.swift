internal import FoundationEssentials
internal import Logging
public import PreviewDomain

/// A started preview, and the durations of its steps.
public struct StartedPreview: Sendable {
    public let session: PreviewSession
    /// The time from the request until both objects exist.
    public let provisioning: Duration
    /// The time spent waiting for the gateway and the app.
    public let waiting: Duration
    /// False if an earlier call of the same request had started the preview.
    public let isNew: Bool
}

/// The failure of a start after its approval was used.
struct FailedStart: Error {
    let cause: any Error
    /// Whether it is certain that neither a Service nor a route of this start is left.
    let leftNothing: Bool
}

extension Previews {
    /// How often a token is replaced if its Service already exists. With 128 random bits even one collision is
    /// practically impossible, so a second one indicates another fault.
    private static let maxTokenAttempts = 3
    /// How often, and at which interval, a start that exceeded a limit checks whether others withdraw.
    private static let maxLimitChecks = 4
    private static let limitCheckPause = Duration.milliseconds(250)
    /// How long the clean-up after a failed start may take, however the start ended.
    private static let rollbackTimeout = ResponseDeadline.rollbackTime
    /// The largest value of `Retry-After` at a limit: a stopped preview makes room at any time.
    private static let longestLimitWait = Duration.seconds(60)

    /// Exposes a port of the run's sandbox.
    ///
    /// When this returns, both objects exist. When it throws, both were deleted, unless these deletions failed too: then
    /// the pair stays until its idle time-out, and counts for the limits.
    ///
    /// - Parameters:
    ///   - port: The port on which the app in the sandbox listens.
    ///   - requester: The owner of the preview if the claim does not name the run's owner.
    ///   - hostHeader: The host that the app receives; the policy's value if the caller does not specify one.
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

    /// Checks the conditions that need no request to the cluster: whether previews are enabled, can be started now, and
    /// may use this port.
    func admit(_ port: Int) throws(PreviewError) -> TargetPort {
        try checkIsEnabled()
        try checkBrake()
        return try checkPort(port)
    }

    func checkIsEnabled() throws(PreviewError) {
        guard !policy.isEnabled else { return }
        throw PreviewError(.disabled, "Previews are disabled. An operator can enable them.")
    }

    func checkPort(_ port: Int) throws(PreviewError) -> TargetPort {
        do { return try policy.ports.check(port) } catch { throw PreviewError(.invalid, error.message) }
    }

    /// Starts a new preview; the only implementation, for operators and, behind the gate, for agents.
    ///
    /// - Parameters:
    ///   - began: The ``MonotonicTime/uptime`` at which the caller's request began.
    ///   - beforeCreation: Runs after all other checks and before anything is created, with the token of the preview; an error
    ///     that it throws ends the start. It runs again in the unlikely case that another token is needed.
    /// - Throws: ``FailedStart`` for errors after `beforeCreation`.
    func start(
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String,
        hostHeader: HostHeader?,
        began: Duration,
        beforeCreation: (PreviewToken) async throws -> Void = { _ in }
    ) async throws -> StartedPreview {
        try checkBrake()
        let hostHeader = hostHeader ?? policy.hostHeader
        let preview = try await ResponseDeadline.reservingRollbackTime {
            try await checkLimits(for: run)
            return try await provision(
                run: run,
                port: port,
                sandbox: sandbox,
                requester: requester,
                host: hostHeader == .localhost ? .localhost : .preserve,
                beforeCreation: beforeCreation
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
        let (current, readiness) = await ResponseDeadline.suspend { await waitUntilServing(preview, host: hostHeader) }
        // The app's response proves that both objects exist.
        if readiness.appStatus == nil { try await checkThatServiceExists(preview) }
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

    /// Throws if the run, or the whole service, has reached its limit.
    ///
    /// The copy may still contain previews that have ended elsewhere, so it alone is never a reason to refuse: the
    /// cluster is read first.
    func checkLimits(for run: RunID) async throws {
        if let known = mirror.routes(), refusal(of: run, beside: known) == nil { return }
        let routes = try await objects.routes(reusing: mirror.lastSeenRoute)
        if let refusal = refusal(of: run, beside: routes) { throw refusal }
    }

    /// The reason why one more preview of `run` beside `others` would exceed a limit, or `nil` if it would not.
    private func refusal(of run: RunID, beside others: [Preview]) -> PreviewError? {
        let all = others.filter { !$0.isBeingDeleted }
        let ofRun = all.filter { $0.belongs(to: run) }
        switch policy.limits.decision(runCount: ofRun.count, globalCount: all.count) {
        case .allowed:
            return nil
        case .runLimitReached(let limit):
            return PreviewError(
                .limitReached,
                "This run has reached its limit of \(limit) previews. Stop one of them, then start again.",
                retryAfter: timeUntilBelowLimit(among: ofRun)
            )
        case .globalLimitReached(let limit):
            return PreviewError(
                .limitReached,
                "The limit of \(limit) previews is reached. Try again later.",
                retryAfter: timeUntilBelowLimit(among: all)
            )
        }
    }

    private func timeUntilBelowLimit(among previews: [Preview]) -> Duration {
        guard let now = clusterTime.reading()?.latest,
            let first = previews.map({ $0.deadline(policy: policy.lifetime) }).min()
        else { return Self.longestLimitWait }
        return min(max(first.duration(since: now), .seconds(1)), Self.longestLimitWait)
    }

    // MARK: Provisioning

    /// Creates Service and HTTPRoute and checks the limits again. If anything fails after the first create, the created
    /// objects are deleted.
    private func provision(
        run: RunID,
        port: TargetPort,
        sandbox: BoundSandbox,
        requester: String,
        host: HostHeader,
        beforeCreation: (PreviewToken) async throws -> Void
    ) async throws -> Preview {
        for _ in 0..<Self.maxTokenAttempts {
            let token = try mintToken()
            try await beforeCreation(token)
            do {
                try await labelIfNeeded(sandbox, with: run.label)
                return try await provision(
                    try await blueprint(token, run: run, port: port, sandbox: sandbox, requester: requester, host: host)
                )
            } catch let error as ClusterError where error.kind == .alreadyExists {
                continue
            } catch let failure as FailedStart {
                throw failure
            } catch {
                // No create was sent yet.
                throw FailedStart(cause: error, leftNothing: true)
            }
        }
        throw FailedStart(
            cause: ClusterError(.rejected, "every object name that was tried already exists"),
            leftNothing: true
        )
    }

    private func labelIfNeeded(_ sandbox: BoundSandbox, with run: RunLabel) async throws {
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
            try await withdrawIfOverLimit(preview, of: blueprint.annotations.runID)
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
            // An object that already exists belongs to another start. In any other case this one may have been created
            // without an acknowledgement.
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
        let life = policy.lifetime.initialDeadlines(startedAt: now.latest)
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

    /// Checks the limits again, now that this preview counts, and throws if it exceeds one.
    ///
    /// Replicas that start at the same time see the same order, and the previews beyond the limit are withdrawn. The
    /// order is by `creationTimestamp`, which has whole seconds: a preview may come before one that was completed
    /// before it began. Therefore a start whose preview is within the limit, but that sees too many previews, checks
    /// again, and withdraws if the others stay.
    private func withdrawIfOverLimit(_ mine: Preview, of run: RunID) async throws {
        for attempt in 1...Self.maxLimitChecks {
            let others = try await objects.routes(reusing: mirror.lastSeenRoute).filter { $0.token != mine.token }
            guard let refusal = refusal(of: run, beside: others) else { return }
            let ranks = others.filter { !$0.isBeingDeleted }.map { other in
                PreviewRank(
                    createdAt: other.createdAt,
                    token: other.token,
                    run: other.belongs(to: run) ? mine.run : nil
                )
            }
            if attempt == Self.maxLimitChecks || policy.limits.requiresWithdrawal(of: PreviewRank(mine), among: ranks) {
                throw refusal
            }
            try await time.sleep(Self.limitCheckPause)
        }
    }

    /// Throws if the new preview's Service was deleted during the start: a caller must not get an address that can
    /// never work. A Service that cannot be read does not count as deleted.
    private func checkThatServiceExists(_ preview: Preview) async throws {
        let service: PreviewBackend?
        do {
            service = try await ResponseDeadline.begin(time) { try await objects.backend(preview.token) }
        } catch {
            return
        }
        guard service == nil else { return }
        _ = await rollBack(preview.token, serviceUID: nil)
        // Another call of the same request may already have returned this preview, so the grant is not returned.
        throw FailedStart(
            cause: ClusterError(
                .unavailable,
                "the preview's Service was deleted while the preview was being started"
            ),
            leftNothing: false
        )
    }

    // MARK: Rolling back

    /// Deletes the objects that a failed start created, including those that it may have created without an
    /// acknowledgement. The deletion has its own deadline, and continues if the caller disconnects. A pair that it
    /// cannot delete stays until its idle time-out, since to a replica it looks like any new preview. A Service that is
    /// left alone is deleted by the reaper, without a grace time.
    ///
    /// - Parameter serviceUID: The UID of the Service, if its creation was acknowledged.
    /// - Returns: Whether the cluster has confirmed that neither object exists.
    private func rollBack(_ token: PreviewToken, serviceUID: String?) async -> Bool {
        await UncancelledWork.run(time, limit: Self.rollbackTimeout) {
            await deleteRemainingObjects(of: token, serviceUID: serviceUID)
        }
    }

    /// An accepted deletion need not be complete, for example because of a finalizer; therefore the objects are read
    /// again.
    private func deleteRemainingObjects(of token: PreviewToken, serviceUID: String?) async -> Bool {
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
            mirror.recordEnd(of: token, checkAt: clusterTime.reading()?.latest ?? .distantPast)
            logger.error(
                "a failed start left objects for the reaper",
                metadata: ["preview": "\(token.fingerprint)", "error": "\(error)"]
            )
            return false
        }
    }
}
