import FoundationEssentials
import Logging
import TestSupport
import Testing

@testable import DevCluster

@Suite("Sandboxes as processes", .timeLimit(.minutes(10)))
struct SandboxControllerTests {
    private static let namespace = "agentweaver"
    private static let name = "agent-1"
    private static let limit = Duration.seconds(20)

    /// Runs the sandbox controller and the garbage collection on a store with one claim while `body` runs.
    private func withSandbox(
        running command: [String],
        _ body: @escaping @Sendable (ObjectStore) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let store = ObjectStore()
            try store.create(.namespaces, namespace: nil, ["metadata": ["name": .string(Self.namespace)]])
            try store.create(
                .sandboxClaims,
                namespace: Self.namespace,
                ["metadata": ["name": .string(Self.name)], "spec": ["warmPoolRef": ["name": "devcluster"]]]
            )
            let template = SandboxTemplate(command: command, port: 3000)
            let kubelet = Kubelet(
                store: store,
                template: template,
                processes: ChildProcess(watchdog: nil),
                logFolder: folder,
                addresses: PodAddresses(seed: 1),
                logger: Logger(label: "test")
            )
            let controller = SandboxController(
                store: store,
                namespace: Self.namespace,
                template: template,
                kubelet: kubelet
            )
            try await withBackground("garbage collection") {
                await store.runGarbageCollection()
            } body: {
                try await withBackground("the controller") {
                    try await controller.run()
                } body: {
                    try await body(store)
                }
            }
        }
    }

    /// The claim, as soon as `condition` holds for it.
    private func claim(
        in store: ObjectStore,
        when condition: @Sendable (JSONValue) -> Bool
    ) async throws -> JSONValue {
        let claim: JSONValue? = try await poll(every: .milliseconds(5), limit: Self.limit) {
            store.get(.sandboxClaims, namespace: Self.namespace, name: Self.name).flatMap { condition($0) ? $0 : nil }
        }
        return try #require(claim)
    }

    private func isReady(_ claim: JSONValue) -> Bool { claim.hasCondition("Ready") }

    private func pod(in store: ObjectStore) throws -> JSONValue {
        try #require(store.get(.pods, namespace: Self.namespace, name: Self.name))
    }

    @Test func aClaimIsBoundToAPodWhoseLabelsProveIt() async throws {
        try await withSandbox(running: ["sleep", "1000"]) { store in
            let claim = try await claim(in: store, when: isReady)
            #expect(claim["status", "sandbox", "name"]?.stringValue == Self.name)
            let sandbox = try #require(store.get(.sandboxes, namespace: Self.namespace, name: Self.name))
            #expect(sandbox.annotations[SandboxObjects.podNameAnnotation] == Self.name)
            let pod = try pod(in: store)
            #expect(pod.labels[SandboxObjects.claimLabel] == claim.uid)
            #expect(pod.labels[SandboxObjects.nameHashLabel] == SandboxObjects.nameHash(Self.name))
            #expect(pod.labels["app"] == "agentweaver-sandbox")
            #expect(pod["status", "podIP"]?.stringValue == "127.64.1.1")
        }
    }

    @Test(arguments: [("exit 0", "PodSucceeded", "Succeeded"), ("exit 7", "PodFailed", "Failed")])
    func aProcessThatEndsMakesTheClaimUnready(script: String, reason: String, phase: String) async throws {
        try await withSandbox(running: ["sh", "-c", script]) { store in
            let claim = try await claim(in: store) { $0.condition("Ready")?["reason"]?.stringValue == reason }
            #expect(!isReady(claim))
            #expect(try pod(in: store)["status", "phase"]?.stringValue == phase)
        }
    }

    @Test func aProgramThatIsMissingFailsThePod() async throws {
        try await withSandbox(running: ["/no/such/program"]) { store in
            _ = try await claim(in: store) { $0.condition("Ready")?["reason"]?.stringValue == "PodFailed" }
            let state = try pod(in: store)["status", "containerStatuses"]?[0]?["state", "terminated"]
            #expect(state?["message"]?.stringValue == "the program /no/such/program was not found")
        }
    }

    @Test func aDeletedPodIsReplacedByAnotherOne() async throws {
        try await withSandbox(running: ["sleep", "1000"]) { store in
            _ = try await claim(in: store, when: isReady)
            let before = try pod(in: store)
            try store.delete(.pods, namespace: Self.namespace, name: Self.name)
            let after: JSONValue? = try await poll(every: .milliseconds(5), limit: Self.limit) {
                guard let pod = store.get(.pods, namespace: Self.namespace, name: Self.name) else { return nil }
                return pod.uid != before.uid && pod.hasCondition("Ready") ? pod : nil
            }
            #expect(try #require(after)["status", "podIP"] != before["status", "podIP"])
        }
    }

    @Test(arguments: [["/no/such/program"], ["sh", "-c", "exit 0"], ["sleep", "1000"]])
    func aPodThatIsDeletedBeforeItsProcessEndsIsRemoved(command: [String]) async throws {
        try await withTemporaryFolder { folder in
            let store = ObjectStore()
            let kubelet = Kubelet(
                store: store,
                template: SandboxTemplate(command: command, port: 3000),
                processes: ChildProcess(watchdog: nil),
                logFolder: folder,
                addresses: PodAddresses(seed: 1),
                logger: Logger(label: "test")
            )
            let pod = try store.create(.pods, namespace: "default", Samples.pod("here", node: "node"))
            try store.delete(.pods, namespace: "default", name: "here")
            await kubelet.run(pod)
            #expect(store.list(.pods).items.isEmpty)
        }
    }

    @Test func aDeletedClaimTakesItsPodAlong() async throws {
        try await withSandbox(running: ["sleep", "1000"]) { store in
            _ = try await claim(in: store, when: isReady)
            try store.delete(.sandboxClaims, namespace: Self.namespace, name: Self.name)
            let isGone: Bool? = try await poll(every: .milliseconds(5), limit: Self.limit) {
                store.get(.pods, namespace: Self.namespace, name: Self.name) == nil ? true : nil
            }
            #expect(isGone == true)
        }
    }
}
