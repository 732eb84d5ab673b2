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
            if let reading = serverClock.reading(), reading.width <= width { return }
            try await executor.clock.sleep(for: serverClock.pauseBeforeInformativeRequest)
            let request = APIRequest(verb: .probe, resource: "version", path: "/version")
            _ = try await executor.perform(request, limits: limits, retries: false)
        }
    }
}
