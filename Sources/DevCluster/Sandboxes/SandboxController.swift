import FoundationEssentials
import ServiceLifecycle

/// The implementation of agent-sandbox and the kubelet: each SandboxClaim of a namespace gets a Sandbox, each Sandbox a pod,
/// and each pod a process on this machine.
///
/// The process is always that of the template, which the user of the command selected. Commands in objects that clients write
/// are never executed.
package struct SandboxController: Service {
    private let store: ObjectStore
    private let namespace: String
    private let template: SandboxTemplate
    private let kubelet: Kubelet

    /// - Parameters:
    ///   - store: The cluster's objects.
    ///   - namespace: The namespace whose claims are served.
    ///   - template: The program that sandboxes run.
    ///   - kubelet: Runs the pods.
    package init(store: ObjectStore, namespace: String, template: SandboxTemplate, kubelet: Kubelet) {
        self.store = store
        self.namespace = namespace
        self.template = template
        self.kubelet = kubelet
    }

    /// Serves until the task is cancelled. All processes have ended when this returns.
    package func run() async throws {
        let (pods, start) = AsyncStream<JSONValue>.makeStream(bufferingPolicy: .bufferingOldest(PodAddresses.capacity))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await ReconcileLoop(store: store, kinds: [.sandboxClaims, .sandboxes, .pods]).run {
                    try reconcile(start)
                }
            }
            group.addTask {
                await withDiscardingTaskGroup { running in
                    for await pod in pods { running.addTask { await kubelet.run(pod) } }
                    running.cancelAll()
                }
            }
            defer { group.cancelAll() }
            for try await _ in group {}
        }
    }

    private func reconcile(_ start: AsyncStream<JSONValue>.Continuation) throws {
        for claim in store.list(.sandboxClaims, namespace: namespace).items where !claim.isTerminating {
            let sandbox =
                try store.get(.sandboxes, namespace: namespace, name: claim.name)
                ?? store.create(
                    .sandboxes,
                    namespace: namespace,
                    SandboxObjects.sandbox(for: claim, template: template)
                )
            // A Sandbox of an earlier claim with the same name must be deleted first. Its deletion leads to the next call.
            guard SandboxObjects.isOwned(sandbox, by: claim.uid), !sandbox.isTerminating else { continue }
            try reconcile(sandbox, of: claim, start)
        }
    }

    private func reconcile(
        _ sandbox: JSONValue,
        of claim: JSONValue,
        _ start: AsyncStream<JSONValue>.Continuation
    ) throws {
        let existing = store.get(.pods, namespace: namespace, name: sandbox.name)
        let pod: JSONValue
        if let existing {
            guard SandboxObjects.isOwned(existing, by: sandbox.uid) else { return }
            pod = existing
        } else {
            pod = try store.create(.pods, namespace: namespace, SandboxObjects.pod(for: sandbox))
            start.yield(pod)
        }
        try store.update(.sandboxes, namespace: namespace, name: sandbox.name) { sandbox in
            sandbox["metadata", "annotations", SandboxObjects.podNameAnnotation] = .string(pod.name)
        }
        let ready = SandboxObjects.readiness(pod: pod)
        let addresses: JSONValue? = pod["status", "podIP"].map { [$0] }
        try store.updateStatus(.sandboxes, namespace: namespace, name: sandbox.name) { sandbox in
            let selector = "\(SandboxObjects.nameHashLabel)=\(SandboxObjects.nameHash(sandbox.name))"
            sandbox["status", "selector"] = .string(selector)
            sandbox["status", "podIPs"] = addresses
            sandbox.setReady(ready)
        }
        try store.updateStatus(.sandboxClaims, namespace: namespace, name: claim.name) { claim in
            claim["status", "sandbox", "name"] = .string(sandbox.name)
            claim["status", "sandbox", "podIPs"] = addresses
            claim.setReady(ready)
        }
    }
}

extension JSONValue {
    fileprivate mutating func setReady(_ decision: GatewayPlan.ConditionState) {
        self["status", "conditions"] = (self["status", "conditions"] ?? []).settingConditions(
            [("Ready", decision)],
            generation: self["metadata", "generation"],
            now: Date()
        )
    }
}
