import Basics
import CurlHTTP
import DevCluster
import HTTPTransport
import KubernetesClient
import OpenSSLKit
import PreviewDomain
import TestPeers
import TestSupport

@testable import PreviewCluster
@testable import PreviewControl

/// One replica of the service's core with the real Kubernetes client, on a ``TestCluster``.
struct Replica: Sendable {
    let cluster: TestCluster
    let client: KubernetesClient
    let feed: KubernetesClusterFeed
    let objects: KubernetesPreviewObjects
    let core: ReplicaCore
    let timeline = RecordingTimeline()
    let log: KubernetesTimelineLog

    var mirror: ClusterMirror { core.mirror }
    var previews: Previews { core.previews }
    var reaper: Reaper { core.reaper }

    /// Routes, Services, pods, claims, Sandboxes and Gateways.
    private static let watchedKinds = 6

    /// Pauses too short to notice: the client's own tests cover what is repeated, and how often.
    private static let hurried = RetryPolicy(
        maxAttempts: 2,
        initialBackoff: .microseconds(1),
        maxBackoff: .microseconds(1),
        maxRetryAfter: .microseconds(1),
        forbiddenGrace: .zero
    )

    /// - Parameters:
    ///   - labelsPods: Whether pods are labelled for the platform's older service.
    ///   - attemptTimeout: The time limit of one request.
    ///   - outageGrace: How long idleness does not count after keepalives could not be recorded.
    ///   - connectionLimit: How long connections through a preview may stay open; `nil` for the default.
    ///   - proxy: The proxy between the replica and the API server.
    ///   - maxSilence: How long a connection with a request on it may be silent.
    ///   - clock: The replica's clock.
    ///   - wrap: Wraps the transport.
    init(
        _ cluster: TestCluster,
        keepsAfterRun: Bool = true,
        labelsPods: Bool = false,
        attemptTimeout: Duration = .seconds(10),
        outageGrace: Duration = .zero,
        connectionLimit: Duration? = nil,
        proxy: MutingProxy? = nil,
        maxSilence: Duration = .seconds(3),
        clock: ManualClock = ManualClock(),
        observer: RequestObserver? = nil,
        failureObserver: FailureObserver? = nil,
        randomBytes: @escaping RandomBytes = { try CSPRNG.bytes($0) },
        wrap: @escaping @Sendable (any HTTPTransport) -> any HTTPTransport = { $0 }
    ) async throws {
        self.cluster = cluster
        let address =
            if let proxy { "https://\(proxy.authority)" } else { try await cluster.server.address() }
        guard let server = try? BaseURL(address) else {
            throw KubernetesError(.configuration, "the test's URL")
        }
        client = KubernetesClient(
            configuration: ClusterConfiguration(
                server: server,
                trust: ServerTrust(authoritiesPEM: cluster.server.authorityPEM),
                credential: .token(Secret(TestCluster.token))
            ),
            limits: RequestLimits(attemptTimeout: attemptTimeout),
            retryPolicy: Self.hurried,
            clock: ClusterClock(cluster),
            observer: observer,
            remainingTime: { ResponseDeadline.remaining },
            failureObserver: failureObserver
        ) { wrap(try CurlTransport(trust: $0.trust, maxSilence: maxSilence)) }
        let manifests = PreviewManifests(
            namespace: TestCluster.namespace,
            gatewayName: "agentweaver-preview-gateway",
            gatewayNamespace: TestCluster.namespace,
            zone: try ZoneSuffix("preview.example.com"),
            connectionLimit: connectionLimit
        )
        log = KubernetesTimelineLog(client: client, namespace: TestCluster.namespace, logger: .silent)
        let policy = PreviewPolicy.testing(
            limits: PreviewLimits(perRun: 100, global: 1000),
            lifetime: LifetimePolicy(keepsAfterRun: keepsAfterRun),
            outageGrace: outageGrace,
            labelsPods: labelsPods
        )
        let mirror = ClusterMirror(policy: policy)
        feed = KubernetesClusterFeed(client: client, manifests: manifests)
        objects = KubernetesPreviewObjects(client: client, manifests: manifests)
        core = ReplicaCore(
            ClusterPorts(objects, mirror: mirror, feed: feed, probe: AnsweringProbe()),
            mirror: mirror,
            policy: policy,
            timeline: timeline,
            time: MonotonicTime(clock),
            randomBytes: randomBytes,
            jitter: { 0 },
            logger: .silent
        )
        // The sweep also measures the API server's time, and releases the brake.
        try? await reaper.sweep()
    }

    /// Keeps the copies up to date while `body` runs, which begins once they are complete and all watches are open.
    func whileWatching<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let watches = cluster.requests.count(verb: "watch") + Self.watchedKinds
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await feed.run { mirror.apply($0) } }
            defer { group.cancelAll() }
            await waitUntil { mirror.isFresh && cluster.requests.count(verb: "watch") >= watches }
            return try await body()
        }
    }

    func start(_ run: RunID) async throws -> PreviewToken {
        try await previews.start(run: run, port: 3000, requester: "ada").session.token
    }
}

extension TestCluster {
    /// Runs a cluster with the sandbox of one run, and one replica.
    static func withReplica(
        _ body: @Sendable (TestCluster, Replica, RunID) async throws -> Void
    ) async throws {
        let run = try RunID.testing()
        try await TestCluster.run { cluster in
            try cluster.addSandbox(for: run)
            try await body(cluster, try await Replica(cluster), run)
        }
    }
}

extension RunID {
    /// A run whose claim's name differs from that of any other number.
    static func testing(_ number: Int = 1) throws -> RunID {
        let digits = String(number, radix: 16)
        return try RunID(String(repeating: "0", count: 8 - digits.count) + digits + "-0000-4000-8000-000000000000")
    }
}
