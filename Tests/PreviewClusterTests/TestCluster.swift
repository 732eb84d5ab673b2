import DevCluster
import FoundationEssentials
import PreviewDomain
import Synchronization

/// The development cluster's API server with the platform's objects, which are written directly to its store.
struct TestCluster: Sendable {
    static let namespace = "agentweaver"
    static let token = "a-token-of-the-service"

    let server: APIServer
    fileprivate let clock: OffsetClock
    var store: ObjectStore { server.store }
    var faults: FaultPlan { server.faults }
    var requests: RequestLog { server.requestLog }

    /// - Parameters:
    ///   - kinds: The kinds that the cluster serves; leave out those whose CRD is not installed.
    ///   - hasNamespace: Whether the platform's namespace exists.
    ///   - users: The users that the server knows in addition to the service.
    static func run<Result: Sendable>(
        kinds: [ResourceKind] = ResourceKind.all,
        hasNamespace: Bool = true,
        users: [APIUser] = [],
        _ body: @Sendable (TestCluster) async throws -> Result
    ) async throws -> Result {
        let service = APIUser(name: "preview-gateway", groups: [APIUser.administrators], token: token)
        var configuration = APIServer.Configuration(users: [service] + users)
        // A failed start must delete what it created without the garbage collector.
        configuration.collectsGarbage = false
        let clock = OffsetClock()
        let store = ObjectStore(kinds: kinds, now: { clock.now })
        if hasNamespace {
            try store.create(.namespaces, namespace: nil, ["metadata": ["name": .string(namespace)]])
        }
        return try await withAPIServer(configuration: configuration, store: store) { server in
            try await body(TestCluster(server: server, clock: clock))
        }
    }

    /// The cluster's time.
    var now: Date { clock.now }

    /// Advances the time of the cluster, and of nothing else.
    func advance(by duration: Duration) { clock.advance(by: duration) }

    // MARK: Sandboxes

    /// The differences from a run's usual sandbox.
    struct SandboxOptions: Sendable {
        /// The run id on the claim; `nil` for none.
        var writtenRun: String?
        var owner: String? = "ada"
        var isReady = true
        var namesSandbox = true
        /// Finalizers that keep the claim and the pod when they are deleted.
        var finalizers: [JSONValue] = []
        /// The pod's claim label; `nil` for none.
        var podLabel: String?
        /// The UID that the pod names as its owner.
        var podOwner: String
    }

    /// Creates claim, Sandbox and pod in the state in which agent-sandbox leaves them once the pod runs.
    @discardableResult
    func addSandbox(
        for run: RunID,
        claimName: String? = nil,
        _ change: (inout SandboxOptions) -> Void = { _ in }
    ) throws -> TestSandbox {
        let name = claimName ?? run.claimName
        let podName = "pod-of-\(name)"
        let claim = try store.create(
            .sandboxClaims,
            namespace: Self.namespace,
            ["metadata": ["name": .string(name)], "spec": ["warmPoolRef": ["name": "pool"]]]
        )
        let sandbox = try store.create(
            .sandboxes,
            namespace: Self.namespace,
            [
                "metadata": [
                    "name": .string(name),
                    "annotations": [SandboxAnnotation.podName: .string(podName)],
                    "ownerReferences": [Self.owner("SandboxClaim", name, claim.uid)],
                ],
                "spec": ["podTemplate": ["spec": ["containers": [["name": "app", "image": "app"]]]]],
            ]
        )
        var options = SandboxOptions(writtenRun: run.text, podLabel: claim.uid, podOwner: sandbox.uid)
        change(&options)
        var labels: [String: JSONValue] = ["app": "agentweaver-sandbox"]
        labels[ClusterLabel.claimUID] = options.podLabel.map(JSONValue.string)
        let pod = try store.create(
            .pods,
            namespace: Self.namespace,
            [
                "metadata": [
                    "name": .string(podName), "labels": .object(labels), "finalizers": .array(options.finalizers),
                    "ownerReferences": [Self.owner("Sandbox", name, options.podOwner)],
                ],
                "spec": ["containers": [["name": "app", "image": "app"]]],
            ]
        )
        try store.updateStatus(.pods, namespace: Self.namespace, name: podName) { $0["status", "phase"] = "Running" }
        try store.update(.sandboxClaims, namespace: Self.namespace, name: name) { claim in
            var annotations: [String: JSONValue] = [:]
            annotations[ClaimAnnotation.runID] = options.writtenRun.map(JSONValue.string)
            annotations[ClaimAnnotation.runOwner] = options.owner.map(JSONValue.string)
            claim["metadata", "annotations"] = .object(annotations)
            claim["metadata", "finalizers"] = .array(options.finalizers)
        }
        try store.updateStatus(.sandboxClaims, namespace: Self.namespace, name: name) { claim in
            claim["status", "conditions"] = [Self.ready(options.isReady)]
            if options.namesSandbox { claim["status", "sandbox", "name"] = .string(name) }
        }
        return TestSandbox(name: name, claimUID: claim.uid, podName: podName, podUID: pod.uid)
    }

    func setReady(_ isReady: Bool, _ sandbox: TestSandbox) throws {
        try store.updateStatus(.sandboxClaims, namespace: Self.namespace, name: sandbox.name) { claim in
            claim["status", "conditions"] = [Self.ready(isReady)]
        }
    }

    /// Ends the pod's process; the object stays.
    func endPod(_ sandbox: TestSandbox) throws {
        try store.updateStatus(.pods, namespace: Self.namespace, name: sandbox.podName) { pod in
            pod["status", "phase"] = "Failed"
        }
    }

    func delete(_ kind: ResourceKind, _ name: String) throws {
        let options = ObjectStore.DeleteOptions(gracePeriodSeconds: 0)
        try store.delete(kind, namespace: Self.namespace, name: name, options: options)
    }

    func deleteSandboxes() throws {
        for kind in [ResourceKind.pods, .sandboxes, .sandboxClaims] {
            for object in store.list(kind).items { try delete(kind, object.name) }
        }
    }

    private static func ready(_ isReady: Bool) -> JSONValue {
        [
            "type": "Ready", "status": .string(isReady ? "True" : "False"), "reason": "Testing", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        ]
    }

    private static func owner(_ kind: String, _ name: String, _ uid: String) -> JSONValue {
        let group = kind == "Sandbox" ? "agents.x-k8s.io" : "extensions.agents.x-k8s.io"
        return [
            "apiVersion": .string("\(group)/v1beta1"), "kind": .string(kind), "name": .string(name),
            "uid": .string(uid), "controller": true,
        ]
    }

    // MARK: Contents

    /// The names of all HTTPRoutes and Services.
    var previewObjects: [String] {
        store.list(.httpRoutes).items.map(\.name) + store.list(.services).items.map(\.name)
    }

    func route(_ token: PreviewToken) -> JSONValue? {
        store.get(.httpRoutes, namespace: Self.namespace, name: token.objectName)
    }

    func service(_ token: PreviewToken) -> JSONValue? {
        store.get(.services, namespace: Self.namespace, name: token.objectName)
    }
}

/// The wall clock, which can be set forward.
private final class OffsetClock: Sendable {
    private let offset = Mutex(Duration.zero)

    var now: Date { Date() + passed }

    /// The time by which the clock was set forward.
    var passed: Duration { offset.withLock { $0 } }

    func advance(by duration: Duration) { offset.withLock { $0 += duration } }
}

/// A monotonic clock that includes the time by which a test has advanced the cluster. Sleeping tasks do not notice
/// that.
struct ClusterClock: Clock {
    private let base = ContinuousClock()
    private let offset: OffsetClock

    init(_ cluster: TestCluster) {
        offset = cluster.clock
    }

    var now: ContinuousClock.Instant { base.now.advanced(by: offset.passed) }
    var minimumResolution: Duration { base.minimumResolution }

    func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        try await base.sleep(for: now.duration(to: deadline), tolerance: tolerance)
    }
}

/// The three objects that lead from a run to its pod.
struct TestSandbox: Sendable {
    /// The name of the claim and of the Sandbox.
    let name: String
    let claimUID: String
    let podName: String
    let podUID: String
}

// MARK: Previews that this service did not make

extension TestCluster {
    /// Creates a preview as the platform's earlier service left it: without `preview=true`, `managed-by` and most
    /// annotations.
    func addLegacyPreview(_ token: PreviewToken, of run: RunID) throws {
        let labels: JSONValue = [
            PreviewLabel.partOf: .string(PreviewLabel.partOfValue), PreviewLabel.token: .string(token.text),
            PreviewLabel.run: .string(run.label.text),
        ]
        try addService(token, labels: labels)
        try addRoute(token, labels: labels)
    }

    func addService(_ token: PreviewToken, labels: JSONValue) throws {
        try store.create(
            .services,
            namespace: Self.namespace,
            [
                "metadata": ["name": .string(token.objectName), "labels": labels],
                "spec": ["selector": ["app": "agentweaver-sandbox"], "ports": [["port": 80, "targetPort": 3000]]],
            ]
        )
    }

    func addRoute(_ token: PreviewToken, labels: JSONValue) throws {
        try store.create(
            .httpRoutes,
            namespace: Self.namespace,
            [
                "metadata": ["name": .string(token.objectName), "labels": labels],
                "spec": [
                    "parentRefs": [["name": "agentweaver-preview-gateway"]],
                    "rules": [["backendRefs": [["name": .string(token.objectName), "port": 80]]]],
                ],
            ]
        )
    }
}
