import CurlHTTP
import Foundation
import HTTPTransport
import KubernetesClient
import Logging
import OpenSSLKit
import PreviewCluster
import PreviewControl
import PreviewDomain
import Synchronization
import TestSupport

/// The core of one replica of the service in this process, put together as in production, but that nothing runs by itself
/// and that no gateway is asked whether a preview works.
struct Replica: Sendable {
    let cluster: any BenchCluster
    let objects: KubernetesPreviewObjects
    let previews: Previews
    let gate: AgentPreviewGate
    let reaper: Reaper
    /// What the watches have delivered so far.
    let seen = SeenChanges()
    private let client: KubernetesClient
    private let index: PreviewIndex
    private let brake: Brake
    private let feed: KubernetesClusterFeed
    private let approvals: ApprovalIndex

    /// - Parameters:
    ///   - time: What the replica takes for the cluster's time; `nil` for what the API server says.
    ///   - transport: Wraps the transport of its client.
    init(
        _ cluster: any BenchCluster,
        policy: PreviewPolicy = .benchmark(),
        time: (any ClusterTime)? = nil,
        transport: @escaping @Sendable (CurlTransport) -> any HTTPTransport = { $0 }
    ) throws {
        self.cluster = cluster
        client = KubernetesClient(
            configuration: try ClusterConfiguration.discover(kubeconfig: cluster.kubeconfig)
        ) { security in
            let tls = TLSConfiguration(caPEM: security.trust.authoritiesPEM.map { Array($0.utf8) })
            return transport(try CurlTransport(configuration: CurlConfiguration(tls: tls)))
        }
        let gateway = "agentweaver-preview-gateway"
        objects = KubernetesPreviewObjects(
            client: client,
            manifests: PreviewManifests(
                namespace: benchNamespace,
                gatewayName: gateway,
                gatewayNamespace: benchNamespace,
                zone: try ZoneSuffix("preview.example.com")
            )
        )
        let clusterTime = time ?? KubernetesClusterTime(client.serverClock)
        // A clock that stands still: what waits for it does not disturb what is measured.
        let monotonic = MonotonicTime(ManualClock())
        let logger = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let timeline = SilentTimeline()
        let cache = SandboxCache()
        index = PreviewIndex(policy: policy)
        brake = Brake(policy: policy, time: monotonic)
        feed = KubernetesClusterFeed(client: client, namespace: benchNamespace, sandboxes: cache)
        previews = Previews(
            policy: policy,
            sandboxes: KubernetesSandboxDirectory(client: client, namespace: benchNamespace, cache: cache),
            objects: objects,
            clusterTime: clusterTime,
            probe: AnsweringProbe(),
            index: index,
            brake: brake,
            timeline: timeline,
            randomBytes: { try CSPRNG.bytes($0) },
            time: monotonic,
            logger: logger
        )
        reaper = Reaper(
            policy: policy,
            index: index,
            feed: feed,
            objects: objects,
            clusterTime: clusterTime,
            brake: brake,
            timeline: timeline,
            time: monotonic,
            logger: logger
        )
        approvals = ApprovalIndex()
        gate = AgentPreviewGate(
            policy: ApprovalPolicy(),
            previews: previews,
            store: KubernetesApprovalStore(
                client: client,
                namespace: benchNamespace,
                gatewayName: gateway,
                gatewayNamespace: benchNamespace
            ),
            index: approvals,
            facts: nil,
            timeline: timeline
        )
    }

    /// Routes, Services, pods, claims, Sandboxes; and claims and the Gateway once more for approvals.
    private static let watchCount = 7

    /// Keeps the copies up to date while `body` runs, which begins once they are complete and all watches are open.
    func whileFed<Result: Sendable>(_ body: @Sendable () async throws -> Result) async throws -> Result {
        let watches = try cluster.requests().count(verb: "watch") + Self.watchCount
        let approvalFeed = KubernetesApprovalFeed(
            client: client,
            namespace: benchNamespace,
            gatewayName: "agentweaver-preview-gateway",
            gatewayNamespace: benchNamespace
        )
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await feed.run { change in
                    index.apply(change)
                    seen.note(change)
                }
            }
            group.addTask { try await approvalFeed.run { approvals.apply($0) } }
            defer { group.cancelAll() }
            try await wait(for: "a replica's watches") { try cluster.requests().count(verb: "watch") >= watches }
            // Tells the time and releases the brake.
            try await reaper.sweep()
            return try await body()
        }
    }

    /// Reads all of the cluster into the index once, and nothing more.
    func fill() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await feed.run { index.apply($0) } }
            defer { group.cancelAll() }
            while !index.isFresh { try await Task.sleep(for: .milliseconds(1)) }
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

    func note(_ change: ClusterChange) {
        state.withLock { state in
            switch change {
            case .routesReplaced(let previews): for preview in previews { state.note(preview) }
            case .routeApplied(let preview): state.note(preview)
            case .routeDeleted(let token): state.expiries[token] = nil
            case .backendsReplaced(let backends): state.backends.formUnion(backends.map(\.token))
            case .backendApplied(let backend): state.backends.insert(backend.token)
            case .backendDeleted(let token): state.backends.remove(token)
            default: break
            }
        }
    }

    /// Waits until both halves of a preview were seen.
    func waitForPreview(_ token: PreviewToken) async throws {
        try await wait(for: "a preview in the watches") {
            state.withLock { $0.expiries[token] != nil && $0.backends.contains(token) }
        }
    }

    /// Waits until a preview was seen that expires at this instant, to the millisecond.
    func waitForExpiry(_ expiry: Date, of token: PreviewToken) async throws {
        try await wait(for: "an expiry in the watches") {
            state.withLock { state in
                state.expiries[token].map { abs($0.timeIntervalSince(expiry)) < 0.002 } ?? false
            }
        }
    }
}

extension SeenChanges.State {
    fileprivate mutating func note(_ preview: Preview) {
        expiries[preview.token] = preview.expiresAt ?? .distantFuture
    }
}

/// Finds an app behind every preview: what a gateway and an app take is not measured.
private struct AnsweringProbe: PreviewProbe {
    func probe(_ token: PreviewToken) async -> ProbeOutcome { .answered(status: 200) }
}

/// Forgets what it is told: Events are written beside what is measured.
struct SilentTimeline: Timeline {
    func record(_ event: TimelineEvent) {}
}

extension PreviewPolicy {
    /// The contract's defaults, with room for as many previews as are measured.
    static func benchmark(lifetime: LifetimePolicy = LifetimePolicy()) -> PreviewPolicy {
        PreviewPolicy(
            isEnabled: true,
            ports: PortPolicy(allowed: 3000...9000),
            limits: PreviewLimits(perRun: 1000, global: 1_000_000),
            lifetime: lifetime,
            orphanGrace: .seconds(120),
            sweepInterval: .seconds(60),
            readyTimeout: .zero
        )
    }
}
