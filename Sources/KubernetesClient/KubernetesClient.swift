public import FoundationEssentials
import KubernetesModel

/// Typed requests to one API server.
///
/// Values are cheap to copy; all copies share connections, credentials, request slots and the server's clock.
public struct KubernetesClient: Sendable {
    /// The server's clock, known from every answer but those of watches.
    public var serverClock: ServerClock { executor.serverClock }

    let executor: RequestExecutor
    let versions: VersionResolver
    var limits: RequestLimits

    /// Makes a client.
    ///
    /// - Parameters:
    ///   - configuration: Which server, and as whom.
    ///   - limits: How long requests may take.
    ///   - retryPolicy: When a failed request is sent again.
    ///   - clock: A monotonic clock, for time limits, pauses and the server's clock.
    ///   - randomness: For the jitter of pauses.
    ///   - now: The wall clock, with which the expiry of an exec plugin's credential is compared.
    ///   - userAgent: What the client calls itself.
    ///   - observer: Gets told about every attempt of every request.
    ///   - makeTransport: Makes a transport for a server's trust and a client certificate.
    public init(
        configuration: ClusterConfiguration,
        limits: RequestLimits = RequestLimits(),
        retryPolicy: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration> = ContinuousClock(),
        randomness: Randomness = .system,
        now: @escaping @Sendable () -> Date = { Date() },
        userAgent: String = "preview-gateway",
        observer: RequestObserver? = nil,
        makeTransport: @escaping TransportFactory
    ) {
        executor = RequestExecutor(
            server: configuration.server,
            credentials: CredentialStore(configuration: configuration, clock: clock, now: now),
            transports: TransportPool(trust: configuration.trust, make: makeTransport),
            retryPolicy: retryPolicy,
            clock: clock,
            randomness: randomness,
            observer: observer,
            userAgent: userAgent
        )
        versions = VersionResolver(executor: executor, limits: limits)
        self.limits = limits
    }

    /// Sends a request about `resource` in the version that the server offers.
    ///
    /// A 404 that means that the version is not served makes the client forget it, so that a CRD that is installed or
    /// upgraded later is found.
    func perform(
        _ verb: RequestVerb,
        _ resource: APIResource,
        path: (String) throws -> APIPath,
        configure: (inout APIRequest, _ version: String) throws -> Void = { _, _ in }
    ) async throws -> RequestExecutor.Answer {
        let version = try await versions.version(of: resource)
        var request = APIRequest(verb: verb, resource: resource.plural, path: try path(version).text)
        try configure(&request, version)
        do {
            return try await executor.perform(request, limits: limits)
        } catch let error as KubernetesError where error.kind == .notFound(.group) {
            await versions.forget(resource)
            throw error
        }
    }

    func decode<Value: Decodable>(_ type: Value.Type, _ body: [UInt8], _ operation: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            // The decoder's own text may quote the object.
            throw KubernetesError(.decoding, "the answer to '\(operation)' is not what the API promises")
        }
    }
}

extension KubernetesClient {
    /// The same client with pages of another size.
    package func withPageSize(_ size: Int) -> KubernetesClient {
        var copy = self
        copy.limits.pageSize = size
        return copy
    }
}
