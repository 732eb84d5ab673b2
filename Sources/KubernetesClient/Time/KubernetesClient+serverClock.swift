extension KubernetesClient {
    /// Narrows down what is known about the server's clock with a few small requests.
    ///
    /// The `Date` of an answer has whole seconds, so what it tells depends on when it was asked for. Each request is sent
    /// at the moment at which its answer halves what is uncertain, which takes up to a second each.
    ///
    /// - Parameters:
    ///   - width: How much may stay uncertain. It cannot become less than a round trip.
    ///   - maxRequests: How many requests are sent at most.
    public func narrowServerClock(to width: Duration, maxRequests: Int) async throws {
        for _ in 0..<maxRequests {
            if let known = serverClock.believedWidth, known <= width { return }
            try await executor.clock.sleep(for: serverClock.pauseBeforeInformativeRequest)
            _ = try await executor.perform(Self.timeRequest, limits: limits, retries: false)
        }
    }

    /// Asks for the server's time on a connection of its own, which may lead to another API server of the cluster than
    /// the connection that is in use.
    public func askForServerTime() async throws {
        var request = Self.timeRequest
        request.usesOwnConnection = true
        _ = try await executor.perform(request, limits: limits, retries: false)
    }

    private static let timeRequest = APIRequest(verb: .probe, resource: "version", path: "/version")
}
