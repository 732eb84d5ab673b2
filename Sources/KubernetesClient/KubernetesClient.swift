public import Basics
import FoundationEssentials
import KubernetesModel

/// A client of one API server.
///
/// A value that can be copied freely: all copies share connections, credential, clock and the limit on concurrent
/// requests. Every method throws ``KubernetesError``, or `CancellationError` when its task is cancelled.
public struct KubernetesClient: Sendable {
    let executor: RequestExecutor
    let resolver: GroupVersionResolver
    /// The time limits of this copy's requests.
    public let limits: RequestLimits
    /// The namespace of the kubeconfig's context or of the service account.
    public let defaultNamespace: String

    /// Makes a client. It sends nothing yet.
    ///
    /// - Parameters:
    ///   - configuration: Where the server is, and how to authenticate.
    ///   - limits: How long requests may take.
    ///   - retryPolicy: Which failed requests are sent again.
    ///   - clock: Measures pauses and time limits. It has to be monotonic.
    ///   - randomness: Where jitter comes from.
    ///   - observer: Is called after every attempt.
    ///   - remainingTime: The remaining time of the current task's caller; `nil` if no caller waits.
    ///   - failureObserver: Is called after every request that failed and is not retried.
    ///   - makeTransport: Makes the transport; called again when the client certificate or the authorities change.
    public init(
        configuration: ClusterConfiguration,
        limits: RequestLimits = RequestLimits(),
        retryPolicy: RetryPolicy = RetryPolicy(),
        clock: any Clock<Duration> = ContinuousClock(),
        randomness: Randomness = .system,
        observer: RequestObserver? = nil,
        remainingTime: @escaping @Sendable () -> Duration? = { nil },
        failureObserver: FailureObserver? = nil,
        makeTransport: @escaping TransportFactory
    ) {
        executor = RequestExecutor(
            server: configuration.server,
            credentials: CredentialStore(configuration: configuration, clock: clock, now: { Date() }),
            transports: TransportPool(configuration, clock: clock, make: makeTransport),
            retryPolicy: retryPolicy,
            clock: clock,
            randomness: randomness,
            observer: observer,
            remainingTime: remainingTime,
            failureObserver: failureObserver
        )
        resolver = GroupVersionResolver(uptime: clock.stopwatch())
        self.limits = limits
        defaultNamespace = configuration.defaultNamespace
    }

    private init(_ other: KubernetesClient, limits: RequestLimits) {
        executor = other.executor
        resolver = other.resolver
        self.limits = limits
        defaultNamespace = other.defaultNamespace
    }

    /// A copy with other time limits, for example for a clean-up with its own deadline.
    public func limited(to limits: RequestLimits) -> KubernetesClient {
        KubernetesClient(self, limits: limits)
    }

    /// A copy that reads lists in pages of another size.
    package func withPageSize(_ size: Int) -> KubernetesClient {
        var limits = limits
        limits.pageSize = size
        return limited(to: limits)
    }

    /// The address of the API server.
    public var server: BaseURL { executor.server }

    /// The knowledge of the server's clock from the responses so far.
    public var serverClock: ServerClock { executor.serverClock }
}

extension KubernetesClient {
    /// Runs `body` with the version in which the cluster serves `resource`.
    ///
    /// If a path does not exist, the cluster is asked again, since CRDs are installed and removed while a service runs,
    /// and its other versions are tried: a group's version need not contain this resource. If the server fails, the
    /// version is discarded for the next request: agent-sandbox 0.5 answers 500 to the older version, and a service
    /// that was started before that upgrade has to find the newer one.
    func withVersion<Result: Sendable>(
        of resource: APIResource,
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        var unserved: Set<String> = []
        while true {
            let version = try await resolver.version(
                of: resource,
                except: unserved,
                executor: executor,
                limits: limits
            )
            do {
                return try await body(version)
            } catch let error as KubernetesError where error.kind == .notFound(.group) && resource.isDiscovered {
                await resolver.forget(resource)
                // Each version is tried once, and of those there are at most `GroupVersionResolver.maxVersions`.
                guard unserved.insert(version).inserted else { throw error }
            } catch let error as KubernetesError where error.kind == .serverError {
                await resolver.forget(resource)
                throw error
            }
        }
    }

    /// Decodes a response, or throws an error with the position of unexpected content, without quoting it.
    static func decode<Value>(
        _ response: RequestExecutor.Response,
        _ request: APIRequest,
        _ read: (ArraySlice<UInt8>) throws -> Value
    ) throws -> Value {
        do {
            return try read(response.body[...])
        } catch {
            var failure = KubernetesError(.decoding, "the response could not be decoded")
            failure.operation = request.operation
            throw failure
        }
    }

    /// Sends `request` and decodes its response.
    func perform<Value: JSONReadable>(_ request: APIRequest, _ type: Value.Type) async throws -> Value {
        try Self.decode(try await executor.perform(request, limits: limits), request) { try Value(json: $0) }
    }
}
