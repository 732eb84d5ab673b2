internal import PreviewDomain

extension Previews {
    /// Waits, bounded, until a browser that opens the preview's address sees a page of the app, and says what was found.
    func waitUntilServing(_ preview: Preview) async -> Readiness {
        let readiness = await Readiness.waiting(
            for: preview,
            probe: probe,
            objects: objects,
            time: time,
            readyTimeout: policy.readyTimeout
        )
        await memory.note(readiness, of: preview.token)
        return readiness
    }

    /// Opens the preview's address once and says what was found.
    ///
    /// - Parameter status: What the gateway says about the route, where that was read; otherwise it is read where the app does
    ///   not answer.
    func look(at preview: Preview, status: RouteStatus? = nil) async -> Readiness {
        var evidence = ReadinessEvidence(
            outcome: await probe.probe(preview.token, patience: ReadinessWait.firstPatience),
            route: .notRead
        )
        if evidence.source != .app || status != nil {
            let status = if let status { Optional(status) } else { try? await objects.status(ofRoute: preview.token) }
            evidence.route = status.map { .read($0) } ?? .unreadable
            if let status { evidence.isMarkedRoute = status.isMarked }
        }
        return Readiness(await evidence.completed(about: preview, from: objects))
    }
}

extension Readiness {
    /// Runs a ``ReadinessWait``.
    ///
    /// The public address itself is tried, because that is what its user will open. Only where that does not show the app
    /// is the cluster asked, to say why.
    static func waiting(
        for preview: Preview,
        probe: any PreviewProbe,
        objects: any PreviewObjects,
        time: MonotonicTime,
        readyTimeout: Duration
    ) async -> Readiness {
        let began = time.uptime()
        var wait = ReadinessWait(
            await probe.probe(preview.token, patience: ReadinessWait.firstPatience),
            deadline: began + readyTimeout
        )
        var probed = time.uptime() - began
        while !Task.isCancelled {
            switch wait.next(at: time.uptime(), probed: probed) {
            case .finish:
                return Readiness(await wait.evidence.completed(about: preview, from: objects))
            case .readRoute:
                wait.record(try? await objects.status(ofRoute: preview.token), at: time.uptime())
            case .probe(let pause, let patience):
                do { try await time.sleep(pause) } catch { return Readiness(wait.evidence) }
                let sent = time.uptime()
                wait.record(await probe.probe(preview.token, patience: patience))
                probed = time.uptime() - sent
            }
        }
        return Readiness(wait.evidence)
    }
}

extension ReadinessEvidence {
    /// The evidence with what only the cluster knows, where that makes a difference.
    func completed(about preview: Preview, from objects: any PreviewObjects) async -> ReadinessEvidence {
        guard source == .gateway(.noEndpoint), let name = preview.podName, let uid = preview.podUID else { return self }
        var evidence = self
        evidence.isPodReady = try? await objects.isReady(PodIdentity(name: name, uid: uid))
        return evidence
    }
}
