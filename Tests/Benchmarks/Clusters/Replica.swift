import CurlHTTP
import Foundation
import HTTPTransport
import KubernetesClient
import OpenSSLKit
import PreviewCluster
import PreviewControl
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport

/// The core of one replica of the service in this process, constructed as in production, except that no part of it runs
/// by itself and that no preview is probed through a gateway.
struct Replica: Sendable {
    let cluster: any BenchCluster
    let objects: KubernetesPreviewObjects
    /// What the watches have delivered so far.
    let seen = SeenChanges()
    private let ports: ClusterPorts
    private let core: ReplicaCore

    var previews: Previews { core.previews }
    var gate: AgentPreviewGate { core.gate }
    var reaper: Reaper { core.reaper }

    /// - Parameters:
    ///   - time: The source of the cluster's time; the API server if `nil`.
    ///   - transport: Wraps the transport of the replica's client.
    init(
        _ cluster: any BenchCluster,
        policy: PreviewPolicy = .benchmark(),
        time: (any ClusterTime)? = nil,
        transport: @escaping @Sendable (CurlTransport) -> any HTTPTransport = { $0 }
    ) throws {
        self.cluster = cluster
        let client = KubernetesClient(
            configuration: try ClusterConfiguration.discover(kubeconfig: cluster.kubeconfig)
        ) { transport(try CurlTransport(trust: $0.trust)) }
        let manifests = PreviewManifests(
            namespace: benchNamespace,
            gatewayName: "agentweaver-preview-gateway",
            gatewayNamespace: benchNamespace,
            zone: try ZoneSuffix("preview.example.com")
        )
        objects = KubernetesPreviewObjects(client: client, manifests: manifests)
        let mirror = ClusterMirror(policy: policy)
        ports = ClusterPorts(
            objects,
            mirror: mirror,
            feed: KubernetesClusterFeed(client: client, manifests: manifests),
            time: time,
            // The time of a gateway and an app is not measured.
            probe: AnsweringProbe()
        )
        core = ReplicaCore(
            ports,
            mirror: mirror,
            policy: policy,
            timeline: SilentTimeline(),
            // A clock that does not advance, so that tasks that wait for it do not disturb the measurement.
            time: MonotonicTime(ManualClock()),
            randomBytes: { try CSPRNG.bytes($0) },
            logger: .silent
        )
    }

    /// Routes, Services, pods, claims, Sandboxes and Gateways.
    private static let watchCount = 6

    /// Keeps the copies up to date while `body` runs, which begins once they are complete and all watches are open.
    func whileWatching<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        let watches = try cluster.requests().count(verb: "watch") + Self.watchCount
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await ports.feed.run { change in
                    core.mirror.apply(change)
                    seen.record(change)
                }
            }
            defer { group.cancelAll() }
            try await wait(for: "a replica's watches") { try cluster.requests().count(verb: "watch") >= watches }
            // The sweep also measures the API server's time, and releases the brake.
            try await reaper.sweep()
            return try await body()
        }
    }

    /// Reads the whole cluster into the index once.
    func fill() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ports.feed.run { core.mirror.apply($0) } }
            defer { group.cancelAll() }
            while !core.mirror.isFresh { try await Task.sleep(for: .milliseconds(1)) }
        }
    }
}

/// What the watches of a replica have delivered.
final class SeenChanges: Sendable {
    fileprivate struct State {
        var expiries: [PreviewToken: Date] = [:]
        var backends: Set<PreviewToken> = []
    }

    private let state = Mutex(State())

    func record(_ change: ClusterChange) {
        state.withLock { state in
            switch change {
            case .routes(.replaced(let previews)): for preview in previews { state.record(preview) }
            case .routes(.applied(let preview)): state.record(preview)
            case .routes(.deleted(let token)): state.expiries[token] = nil
            case .backends(.replaced(let backends)): state.backends.formUnion(backends.map(\.token))
            case .backends(.applied(let backend)): state.backends.insert(backend.token)
            case .backends(.deleted(let token)): state.backends.remove(token)
            default: break
            }
        }
    }

    /// Waits until both halves of a preview have been delivered.
    func waitForPreview(_ token: PreviewToken) async throws {
        try await wait(for: "a preview in the watches") {
            state.withLock { $0.expiries[token] != nil && $0.backends.contains(token) }
        }
    }

    /// Waits until a preview with this expiry, to the millisecond, has been delivered.
    func waitForExpiry(_ expiry: Date, of token: PreviewToken) async throws {
        try await wait(for: "an expiry in the watches") {
            state.withLock { state in
                state.expiries[token].map { abs($0.timeIntervalSince(expiry)) < 0.002 } ?? false
            }
        }
    }
}

extension SeenChanges.State {
    fileprivate mutating func record(_ preview: Preview) {
        expiries[preview.token] = preview.expiresAt ?? .distantFuture
    }
}

/// Discards its events, because Events are written in addition to what is measured.
struct SilentTimeline: Timeline {
    func record(_ event: TimelineEvent) {}
}

extension PreviewPolicy {
    /// The default policy, with room for all previews of a measurement.
    static func benchmark(lifetime: LifetimePolicy = LifetimePolicy()) -> PreviewPolicy {
        .testing(limits: PreviewLimits(perRun: 1000, global: 1_000_000), lifetime: lifetime)
    }
}
