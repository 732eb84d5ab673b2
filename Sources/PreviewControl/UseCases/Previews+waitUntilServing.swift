internal import PreviewDomain

extension Previews {
    /// How long a gateway may take to serve a changed route.
    private static let rewriteTimeout = Duration.seconds(5)
    /// How long changing a route back may take, however the trial ended.
    private static let restoreTimeout = ResponseDeadline.rollbackTime
    private static let speaksHTTP2 = """
        The app supports only HTTP/2 without TLS, so the gateway uses it; WebSockets do not work.
        """
    private static let speaksNeither = """
        The port supports neither HTTP/1.1 nor HTTP/2 without TLS, only HTTPS or another protocol: let a server of plain HTTP \
        listen on it, or choose another port.
        """
    private static let seesLocalhost = """
        The app refuses the preview's host, so it is sent the host localhost, and the public host in X-Forwarded-Host; if it \
        refuses WebSockets because their Origin is another host, add the preview's host to its allowed hosts.
        """

    /// Waits, up to a limit, until a browser that opens the preview's address gets a page of the app, and reports the
    /// result.
    ///
    /// - Parameter host: With `auto`, an app that refuses the public host is probed with `localhost`, and keeps that
    ///   host if it accepts it.
    /// - Returns: The preview as it is then, and the result.
    func waitUntilServing(_ preview: Preview, host: HostHeader) async -> (preview: Preview, readiness: Readiness) {
        let end = time.uptime() + policy.readyTimeout
        var evidence = await self.evidence(of: preview, within: policy.readyTimeout)
        var found = (preview: preview, readiness: Readiness(evidence))
        if evidence.maySpeakHTTP2 {
            let trial = await tryHTTP2(preview)
            if case .answered(let changed, let newEvidence, let readiness) = trial {
                evidence = newEvidence
                found = (changed, readiness)
            } else if evidence.source == .gateway(.notHTTP) {
                if case .unanswered = trial { found.readiness = found.readiness.adding(detail: Self.speaksNeither) }
            } else if time.uptime() < end {
                // It closes connections of both protocols: it may still be starting.
                evidence = await self.evidence(of: preview, within: end - time.uptime(), triesProtocol: true)
                found.readiness = Readiness(evidence)
            }
        }
        if host == .auto, found.preview.hostHeader == .preserve, evidence.mayRefuseHost {
            found = await tryLocalhost(found.preview, after: found.readiness)
        }
        // The result of a cancelled caller's probe is no evidence.
        if !Task.isCancelled { await readinessCache.record(found.readiness, of: found.preview) }
        return found
    }

    /// The result of trying HTTP/2.
    private enum ProtocolTrial {
        /// The app answered, in the protocol that the route has now.
        case answered(Preview, ReadinessEvidence, Readiness)
        /// The app answered in neither protocol, and the route has HTTP/1.1.
        case unanswered
        /// The app answered in neither protocol, and the route has HTTP/2, as it was found.
        case unansweredOverHTTP2
        /// A write failed, so the route may have either protocol, and only another trial changes that.
        case failed

        /// Whether the route may have HTTP/2, so that the app needs another trial once it answers.
        var needsAnother: Bool {
            switch self {
            case .answered, .unanswered: false
            case .unansweredOverHTTP2, .failed: true
            }
        }
    }

    /// Each step is a compare-and-swap on the route, as of ``tryLocalhost(_:after:)``, and has the time of a request on
    /// behalf of a caller.
    ///
    /// The route may have HTTP/2 already: from a trial that is under way, or from one that could not change it back. So
    /// both protocols are tried.
    private func tryHTTP2(_ preview: Preview) async -> ProtocolTrial {
        let changed: Preview?
        do {
            changed = try await ResponseDeadline.ensure(time) {
                try await objects.setBackendProtocol(of: preview, to: .http2)
            }
        } catch {
            // It may have taken effect although its response was lost.
            _ = await restoreHTTP1(of: preview)
            return .failed
        }
        // With the original route this app does not answer, so any response of the app came through the changed one.
        let evidence = await evidenceOfTrial(changed ?? preview)
        if evidence.source == .app {
            let readiness = Readiness(evidence)
            let isExplained = changed == nil || readiness.detail != nil
            return .answered(
                changed ?? preview,
                evidence,
                isExplained ? readiness : readiness.adding(detail: Self.speaksHTTP2)
            )
        }
        guard case .success(let restored) = await restoreHTTP1(of: preview) else { return .failed }
        guard changed == nil, let restored else { return .unanswered }
        let second = await evidenceOfTrial(restored)
        if second.source == .app { return .answered(restored, second, Readiness(second)) }
        // An app that spoke HTTP/2 before may do so again.
        _ = try? await ResponseDeadline.ensure(time) {
            try await objects.setBackendProtocol(of: restored, to: .http2)
        }
        return .unansweredOverHTTP2
    }

    /// Changes the route back to HTTP/1.1, even if the caller is cancelled.
    ///
    /// - Returns: The preview after the write; `nil` if the route does not have HTTP/2.
    private func restoreHTTP1(of preview: Preview) async -> Result<Preview?, ClusterError> {
        await UncancelledWork.run(time, limit: Self.restoreTimeout) {
            do throws(ClusterError) {
                return .success(try await objects.setBackendProtocol(of: preview, to: .http1))
            } catch {
                return .failure(error)
            }
        }
    }

    private func evidenceOfTrial(_ preview: Preview) async -> ReadinessEvidence {
        await evidence(of: preview, within: Self.rewriteTimeout, triesProtocol: true)
    }

    /// Each step is a compare-and-swap on the route. The route describes its own state. It is changed back even if the
    /// caller is cancelled in between.
    private func tryLocalhost(
        _ preview: Preview,
        after refusal: Readiness
    ) async -> (preview: Preview, readiness: Readiness) {
        let changed: Preview?
        do {
            changed = try await ResponseDeadline.ensure(time) {
                try await objects.rewriteHost(of: preview, to: .localhost)
            }
        } catch {
            // It may have taken effect although its response was lost.
            return (await restoreHost(of: preview) ?? preview, refusal)
        }
        guard let changed else { return (preview, refusal) }
        let evidence = await self.evidence(of: changed, within: Self.rewriteTimeout, expecting: .localhost)
        let readiness = Readiness(evidence)
        if evidence.receivedHost == .localhost, readiness.isReady, readiness.appStatus.map({ $0 < 400 }) ?? false {
            return (changed, readiness.adding(detail: Self.seesLocalhost))
        }
        guard let restored = await restoreHost(of: changed) else { return (changed, readiness) }
        return (restored, refusal)
    }

    /// Changes the route back to the public host, even if the caller is cancelled.
    ///
    /// - Parameter preview: The preview as it is known; if that has the public host, it is read.
    /// - Returns: The preview after the write; `nil` if there was none.
    private func restoreHost(of preview: Preview) async -> Preview? {
        await UncancelledWork.run(time, limit: Self.restoreTimeout) {
            var changed: Preview? = preview
            if preview.hostHeader != .localhost { changed = try? await objects.route(preview.token) }
            guard let changed, changed.hostHeader == .localhost else { return nil }
            return try? await objects.rewriteHost(of: changed, to: .preserve)
        }
    }

    private func evidence(
        of preview: Preview,
        within limit: Duration,
        expecting host: HostHeader? = nil,
        triesProtocol: Bool = false
    ) async -> ReadinessEvidence {
        await ReadinessEvidence.waiting(
            for: preview,
            probe: probe,
            objects: objects,
            time: time,
            readyTimeout: limit,
            expectedHost: host,
            triesProtocol: triesProtocol
        )
    }

    /// Opens the preview's address once and reports the result.
    ///
    /// - Parameter status: The gateway's status of the route, if it was read; otherwise it is read if the app does not
    ///   answer.
    func probeReadiness(
        of preview: Preview,
        status: RouteStatus? = nil,
        timeout: Duration = ReadinessWait.firstTimeout
    ) async -> Readiness {
        Readiness(await evidence(of: preview, status: status, timeout: timeout))
    }

    /// Same as ``probeReadiness(of:status:timeout:)``, without a waiting caller, so that there is time to try HTTP/2.
    func probeReadinessAgain(of preview: Preview, mayTryHTTP2: Bool) async -> Readiness {
        let evidence = await self.evidence(of: preview, status: nil, timeout: ReadinessWait.firstTimeout)
        guard mayTryHTTP2, evidence.maySpeakHTTP2 else { return Readiness(evidence) }
        let trial = await tryHTTP2(preview)
        if trial.needsAnother { return Readiness(evidence) }
        await readinessCache.recordHTTP2Trial(of: preview.token)
        if case .answered(_, _, let readiness) = trial { return readiness }
        return Readiness(evidence)
    }

    private func evidence(
        of preview: Preview,
        status: RouteStatus?,
        timeout: Duration
    ) async -> ReadinessEvidence {
        var evidence = ReadinessEvidence(
            outcome: await probe.probe(preview.token, timeout: timeout),
            route: .notRead
        )
        // A check that waits has no deadline either.
        return await ResponseDeadline.ensure(time) {
            if evidence.source != .app || status != nil {
                let status =
                    if let status { Optional(status) } else { try? await objects.status(ofRoute: preview.token) }
                evidence.route = status.map { .read($0) } ?? .unreadable
                if let status { evidence.isMarkedRoute = status.isMarked }
            }
            return await evidence.completed(about: preview, from: objects)
        }
    }
}

extension ReadinessEvidence {
    /// Runs a ``ReadinessWait``.
    ///
    /// The probe uses the public address, because this is what users open. The cluster is read only if the probe does
    /// not reach the app, to report the reason.
    static func waiting(
        for preview: Preview,
        probe: any PreviewProbe,
        objects: any PreviewObjects,
        time: MonotonicTime,
        readyTimeout: Duration,
        expectedHost: HostHeader? = nil,
        triesProtocol: Bool = false
    ) async -> ReadinessEvidence {
        let began = time.uptime()
        var wait = ReadinessWait(
            await probe.probe(preview.token, timeout: ReadinessWait.firstTimeout),
            deadline: began + readyTimeout,
            expectedHost: expectedHost,
            triesProtocol: triesProtocol
        )
        var probed = time.uptime() - began
        while !Task.isCancelled {
            switch wait.next(at: time.uptime(), probed: probed) {
            case .finish:
                let evidence = wait.evidence
                return await ResponseDeadline.begin(time) { await evidence.completed(about: preview, from: objects) }
            case .readRoute:
                // The wait has no deadline, but its caller waits for each of its reads.
                let status = try? await ResponseDeadline.begin(time) {
                    try await objects.status(ofRoute: preview.token)
                }
                wait.record(status, at: time.uptime())
            case .probe(let pause, let timeout):
                do { try await time.sleep(pause) } catch { return wait.evidence }
                let sent = time.uptime()
                wait.record(await probe.probe(preview.token, timeout: timeout))
                probed = time.uptime() - sent
            }
        }
        return wait.evidence
    }

    /// The evidence, with the cluster's state if that makes a difference.
    func completed(about preview: Preview, from objects: any PreviewObjects) async -> ReadinessEvidence {
        guard source == .gateway(.noEndpoint), let name = preview.podName, let uid = preview.podUID else { return self }
        var evidence = self
        evidence.isPodReady = try? await objects.isReady(PodIdentity(name: name, uid: uid))
        return evidence
    }
}
