internal import PreviewDomain

extension Previews {
    /// The first pause between two probes; each later one is half as long again.
    private static let firstProbePause = Duration.milliseconds(5)
    private static let longestProbePause = Duration.milliseconds(500)

    /// Waits, bounded, until the preview's address works, and says what it found.
    ///
    /// The public address itself is asked, because that is what its user will open. Only when it does not answer is
    /// the route's status read, to say why.
    func settle(_ token: PreviewToken) async -> Readiness {
        let deadline = time.uptime() + policy.readyTimeout
        var pause = Self.firstProbePause
        var last = await probe.probe(token)
        while !last.isConclusive, time.uptime() < deadline {
            do { try await time.sleep(pause) } catch { break }
            pause = min(pause * 3 / 2, Self.longestProbePause)
            last = await probe.probe(token)
        }
        if case .answered(let status) = last { return Readiness(isReady: true, appStatus: status) }
        return await explain(last, of: token)
    }

    private func explain(_ outcome: ProbeOutcome, of token: PreviewToken) async -> Readiness {
        guard let status = try? await objects.status(ofRoute: token) else {
            return Readiness(isReady: false, detail: "The gateway's word about this preview could not be read.")
        }
        guard status.isAccepted else { return Readiness(status) }
        return switch outcome {
        case .answered(let status):
            Readiness(isReady: true, appStatus: status)
        case .unrouted:
            Readiness(isReady: true, appStatus: 404)
        case .noApp(let status):
            Readiness(
                isReady: false,
                detail: """
                    The gateway serves this preview but reaches no app behind it (\(status)). Start your server in the \
                    sandbox, let it listen on 0.0.0.0 and not only on localhost, and check its port; the preview \
                    then works without a new start.
                    """
            )
        case .unreachable(let reason):
            Readiness(
                isReady: true,
                detail: "The gateway accepted this preview; its address could not be tried from here: \(reason)."
            )
        }
    }
}

extension ProbeOutcome {
    /// True when asking again would not change the answer for the better.
    fileprivate var isConclusive: Bool {
        if case .answered = self { true } else { false }
    }
}
