import CurlHTTP
import Foundation
import HTTPTransport
import KubernetesClient
import PreviewCluster
import PreviewDomain
import Synchronization
import TestSupport

@testable import DevCluster
@testable import PreviewControl

/// Several replicas of the gate on one real API server, in which a run has a sandbox.
///
/// The API server is asked over its socket. Time is the test's own, and the API server's too, so that what it creates is as
/// old as the replicas take it to be: nothing expires but what the test lets expire.
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

    /// Runs the server and as many replicas, whose copies are up to date when `body` begins.
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
                    group.addTask { try await replica.keeper.run() }
                }
                defer { group.cancelAll() }
                for replica in cluster.replicas {
                    await cluster.until {
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
        let client = KubernetesClient(configuration: configuration) { security in
            try CurlTransport(
                configuration: CurlConfiguration(
                    tls: TLSConfiguration(caPEM: security.trust.authoritiesPEM.map { Array($0.utf8) })
                )
            )
        }
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
            // No reaper runs here, and the brake is not to take the long waits for its failure.
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
        // As the platform makes it: without annotations of any kind.
        try ServiceUnderTest.addSandbox(
            claim: [
                "metadata": ["name": .string(ClusterObjects.claimName(run: runText))],
                "spec": ["warmPoolRef": ["name": "test"]],
            ],
            to: store
        )
    }

    // MARK: What is there

    /// The approvals on the claim, the oldest first.
    var approvals: [Approval] {
        let claim = store.get(.sandboxClaims, namespace: Self.namespace, name: run.claimName)
        let annotations = claim?["metadata", "annotations"]?.objectValue ?? [:]
        return ApprovalLedger(annotations: annotations.compactMapValues(\.stringValue)).entries.map(\.approval)
    }

    var routeCount: Int { store.list(.httpRoutes, namespace: Self.namespace).items.count }
    var serviceCount: Int { store.list(.services, namespace: Self.namespace).items.count }

    /// How often a preview's object was asked to be created, or a pod to be patched, since the last reset.
    var provisioningCount: Int {
        server.requestLog.count(verb: "create") + server.requestLog.count(verb: "patch", resource: "pods")
    }

    /// What the claim says about the request.
    func state(of approval: Approval) -> Approval.State? { approvals.first { $0.id == approval.id }?.state }

    /// Asks a replica for a preview; returns as soon as the request waits for a decision.
    func ask(_ number: Int) async throws -> (pending: Approval, start: Task<StartedPreview, any Error>) {
        let (stream, continuation) = AsyncStream.makeStream(of: Approval.self)
        let start = Task {
            defer { continuation.finish() }
            return try await self[number].start(run: run, port: 3000, requester: "agent") { continuation.yield($0) }
        }
        for await pending in stream { return (pending, start) }
        throw PreviewError(.invalid, "the request did not wait: \(await start.result)")
    }

    func until(_ condition: @Sendable () -> Bool) async {
        await waitWhile { !condition() }
    }

    /// Ends all previews of the run, and lets every replica know.
    func stopPreviews() async throws {
        for route in store.list(.httpRoutes, namespace: Self.namespace).items {
            guard let token = PreviewToken(objectName: route.name) else { continue }
            try await replicas[0].previews.stop(run: run, token: token)
            for replica in replicas { replica.mirror.noteStop(of: token) }
        }
    }

    /// Lets time pass, for the replicas and for the cluster, while `condition` holds and until `work` is done, so slowly
    /// that the requests, which take real time, are done long before what waits for them gives up.
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

/// The cluster's time as a test sets it, known to a quarter of a second.
final class SettableTime: ClusterTime {
    private static let uncertainty = Duration.milliseconds(250)

    private let now = Mutex(Date(timeIntervalSince1970: 1_800_000_000))

    var instant: Date { now.withLock(\.self) }

    func reading() -> ClusterTimeReading? {
        let now = instant
        return ClusterTimeReading(earliest: now - Self.uncertainty, latest: now)
    }

    /// Lets so much pass that what was due after this time is due by the earliest instant too.
    func advance(by duration: Duration) {
        now.withLock { $0 = $0 + duration + Self.uncertainty }
    }
}
