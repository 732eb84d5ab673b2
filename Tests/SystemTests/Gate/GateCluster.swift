import CurlHTTP
import Foundation
import HTTPTransport
import KubernetesClient
import PreviewCluster
import PreviewDomain
import Synchronization
import TestPeers
import TestSupport

@testable import DevCluster
@testable import PreviewControl

/// Several replicas of the approval gate on one API server of the development cluster, which has one run with a
/// sandbox.
///
/// Requests go over a socket. The test controls the time of the replicas and of the API server, so that nothing expires
/// unless the test advances the time.
struct GateCluster: Sendable {
    static let namespace = "agentweaver"
    static let runText = "3f2a9c1e-0000-4000-8000-000000000001"

    let server: APIServer
    let store: ObjectStore
    let run: RunID
    let clock = ManualClock()
    let now: SettableTime
    let timeline = RecordingTimeline()
    let replicas: [ReplicaCore]

    subscript(_ number: Int) -> AgentPreviewGate { replicas[number].gate }

    /// Runs the server and this many replicas, whose copies are up to date when `body` begins.
    static func with(
        replicas count: Int,
        _ body: @escaping @Sendable (GateCluster) async throws -> Void
    ) async throws {
        let now = SettableTime()
        let store = ObjectStore(now: { now.instant })
        try await withAPIServer(store: store) { server in
            let path = FileManager.default.temporaryDirectory.appending(path: "gate-\(UUID().uuidString)").path
            defer { try? FileManager.default.removeItem(atPath: path) }
            try await server.kubeconfig(namespace: namespace).write(toFile: path, atomically: true, encoding: .utf8)
            let cluster = try await GateCluster(
                server: server,
                store: store,
                now: now,
                kubeconfig: path,
                replicas: count
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for replica in cluster.replicas {
                    group.addTask { try await replica.mirrorRunner.run() }
                    group.addTask { try await replica.approvalExpiry.run() }
                }
                defer { group.cancelAll() }
                for replica in cluster.replicas {
                    await waitUntil {
                        replica.mirror.commonGrants() != nil
                            && replica.mirror.claim(named: cluster.run.claimName) != nil
                    }
                }
                server.requestLog.reset()
                try await body(cluster)
            }
        }
    }

    private init(
        server: APIServer,
        store: ObjectStore,
        now: SettableTime,
        kubeconfig: String,
        replicas count: Int
    ) async throws {
        self.server = server
        self.store = store
        self.now = now
        run = try RunID(Self.runText)
        try Self.install(into: store)
        var replicas: [ReplicaCore] = []
        for number in 0..<count {
            let replica = try await Self.replica(
                UInt64(number),
                kubeconfig: kubeconfig,
                time: MonotonicTime(clock),
                now: now,
                timeline: timeline
            )
            replicas.append(replica)
        }
        self.replicas = replicas
    }

    private static func replica(
        _ number: UInt64,
        kubeconfig: String,
        time: MonotonicTime,
        now: SettableTime,
        timeline: RecordingTimeline
    ) async throws -> ReplicaCore {
        let configuration = try ClusterConfiguration.discover(kubeconfig: kubeconfig)
        let client = KubernetesClient(configuration: configuration) { try CurlTransport(trust: $0.trust) }
        let manifests = PreviewManifests(
            namespace: namespace,
            gatewayName: ClusterObjects.gateway,
            gatewayNamespace: namespace,
            zone: try ZoneSuffix("preview.example.com")
        )
        let objects = KubernetesPreviewObjects(client: client, manifests: manifests)
        let random = SeededRandom(seed: number + 1)
        let policy = PreviewPolicy.testing(
            limits: PreviewLimits(perRun: 10_000, global: 10_000),
            // No reaper runs here, and the brake must not engage during long waits because sweeps are missing.
            sweepInterval: .seconds(86_400)
        )
        let mirror = ClusterMirror(policy: policy)
        let core = ReplicaCore(
            ClusterPorts(
                objects,
                mirror: mirror,
                feed: KubernetesClusterFeed(client: client, manifests: manifests),
                time: now,
                probe: AnsweringProbe()
            ),
            mirror: mirror,
            policy: policy,
            timeline: timeline,
            time: time,
            randomBytes: { random.bytes($0) },
            jitter: { 0 },
            logger: .silent
        )
        core.brake.sweepSucceeded(stillDue: [])
        core.mirror.apply(.routes(.replaced([])))
        return core
    }

    // MARK: The sandbox

    private static func install(into store: ObjectStore) throws {
        try ClusterObjects.install(into: store, port: 8088)
        // Created as the platform creates it: without annotations.
        try ServiceUnderTest.addSandbox(
            claim: [
                "metadata": ["name": .string(ClusterObjects.claimName(run: runText))],
                "spec": ["warmPoolRef": ["name": "test"]],
            ],
            to: store
        )
    }

    // MARK: Contents

    /// The approvals on the claim, the oldest first.
    var approvals: [Approval] {
        let claim = store.get(.sandboxClaims, namespace: Self.namespace, name: run.claimName)
        let annotations = claim?["metadata", "annotations"]?.objectValue ?? [:]
        return ApprovalLedger(annotations: annotations.compactMapValues(\.stringValue)).entries.map(\.approval)
    }

    var routeCount: Int { store.list(.httpRoutes, namespace: Self.namespace).items.count }
    var serviceCount: Int { store.list(.services, namespace: Self.namespace).items.count }

    /// The number of requests to create an object or to patch a pod since the last reset.
    var provisioningCount: Int {
        server.requestLog.count(verb: "create") + server.requestLog.count(verb: "patch", resource: "pods")
    }

    /// The state of the approval on the claim.
    func state(of approval: Approval) -> Approval.State? { approvals.first { $0.id == approval.id }?.state }

    /// Requests a preview from a replica; returns once the request waits for a decision.
    func requestPreview(_ number: Int) async throws -> (pending: Approval, start: Task<StartedPreview, any Error>) {
        try await self[number].ask(for: run)
    }

    /// Stops all previews of the run, and informs every replica.
    func stopPreviews() async throws {
        for route in store.list(.httpRoutes, namespace: Self.namespace).items {
            guard let token = PreviewToken(objectName: route.name) else { continue }
            try await replicas[0].previews.stop(run: run, token: token)
            for replica in replicas { replica.mirror.recordStop(of: token) }
        }
    }

    /// Advances the time of the replicas and of the cluster while `condition` holds and until `work` has ended, slowly
    /// enough that requests, which take real time, end long before their callers give up.
    func letTimePass<Value: Sendable>(
        while condition: @escaping @Sendable () -> Bool,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await runWork(work) {
            if condition() { advance(by: .milliseconds(20)) }
            for _ in 0..<200 { await Task.yield() }
        }
    }

    func advance(by duration: Duration) {
        now.advance(by: duration)
        clock.advance(by: duration)
    }
}

/// The cluster's time as a test sets it, with an uncertainty of a quarter of a second.
final class SettableTime: ClusterTime {
    private static let uncertainty = Duration.milliseconds(250)

    private let now = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var instant: Date { now.withLock(\.self) }

    func reading() -> ClusterTimeReading? {
        let now = instant
        return ClusterTimeReading(earliest: now - Self.uncertainty, latest: now)
    }

    /// Advances far enough that whatever is due after this time is due by the earliest instant too.
    func advance(by duration: Duration) {
        now.withLock { $0 = $0 + duration + Self.uncertainty }
    }
}
