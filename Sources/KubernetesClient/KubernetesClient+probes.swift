import FoundationEssentials
public import KubernetesModel

/// What an API server says about its build.
public struct ServerVersion: Codable, Hashable, Sendable {
    public let major: String
    public let minor: String
    /// For example `v1.32.1`.
    public let gitVersion: String

    public init(major: String, minor: String, gitVersion: String) {
        self.major = major
        self.minor = minor
        self.gitVersion = gitVersion
    }
}

extension KubernetesClient {
    /// Asks the server which version it is.
    public func serverVersion() async throws -> ServerVersion {
        try await perform(APIRequest(verb: .probe, resource: "version", path: "/version"), ServerVersion.self)
    }

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

    /// Asks the server once whether it is ready to serve.
    ///
    /// - Returns: Whether it answered with success; false for any other answer.
    /// - Throws: ``KubernetesError`` if there was no answer.
    public func isReady() async throws -> Bool {
        do {
            let request = APIRequest(verb: .probe, resource: "readyz", path: "/readyz")
            _ = try await executor.perform(request, limits: limits, retries: false)
            return true
        } catch let error as KubernetesError where error.statusCode != nil {
            return false
        }
    }

    /// The version of `resource` that this client uses with this cluster.
    ///
    /// - Throws: ``KubernetesError`` of kind `notFound(.group)` if the cluster offers none that this client knows.
    public func servedVersion(of resource: APIResource) async throws -> String {
        try await resolver.version(of: resource, executor: executor, limits: limits)
    }
}
