/// The objects that agent-sandbox makes for a claim, and what it says in their status.
///
/// Names, labels and reasons are those of agent-sandbox 0.5. A claim is Ready when its Sandbox is, the Sandbox when its
/// pod is, and the pod as soon as its process runs: a sandbox's pod has no readiness probe, because nobody knows at its
/// start what it is going to listen at.
package enum SandboxObjects {
    /// The label with the claim's UID.
    package static let claimLabel = "agents.x-k8s.io/claim-uid"
    /// The label with the hash of the Sandbox's name.
    package static let nameHashLabel = "agents.x-k8s.io/sandbox-name-hash"
    /// The Sandbox's annotation with the pod's name.
    package static let podNameAnnotation = "agents.x-k8s.io/pod-name"

    /// 32-bit FNV-1a of a Sandbox's name as 8 hex digits.
    package static func nameHash(_ name: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in name.utf8 {
            hash ^= UInt32(byte)
            hash = hash &* 16_777_619
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - text.count) + text
    }

    /// The Sandbox for a claim.
    package static func sandbox(for claim: JSONValue, template: SandboxTemplate) -> JSONValue {
        [
            "metadata": [
                "name": .string(claim.name),
                "labels": [claimLabel: .string(claim.uid)],
                "ownerReferences": [owner(claim, of: .sandboxClaims)],
            ],
            "spec": [
                "podTemplate": [
                    "metadata": ["labels": ["app": "agentweaver-sandbox", claimLabel: .string(claim.uid)]],
                    "spec": podSpec(template),
                ]
            ],
        ]
    }

    /// The pod for a Sandbox.
    package static func pod(for sandbox: JSONValue) -> JSONValue {
        var labels = sandbox["spec", "podTemplate", "metadata", "labels"] ?? [:]
        labels[nameHashLabel] = .string(nameHash(sandbox.name))
        return [
            "metadata": [
                "name": .string(sandbox.name),
                "labels": labels,
                "ownerReferences": [owner(sandbox, of: .sandboxes)],
            ],
            "spec": sandbox["spec", "podTemplate", "spec"] ?? [:],
        ]
    }

    /// What a Sandbox says about itself, given its pod.
    package static func readiness(pod: JSONValue?) -> GatewayPlan.Decision {
        guard let pod, !pod.isTerminating else { return .init(false, "DependenciesNotReady", "Pod does not exist") }
        switch pod["status", "phase"]?.stringValue {
        case "Succeeded": return .init(false, "PodSucceeded", "Pod completed successfully")
        case "Failed": return .init(false, "PodFailed", "Pod failed")
        case "Running" where pod.hasCondition("Ready"): return .init(true, "DependenciesReady", "Pod is Ready")
        case let phase: return .init(false, "DependenciesNotReady", "Pod exists with phase: \(phase ?? "Pending")")
        }
    }

    /// True if `object` is controlled by the owner with this UID.
    package static func isOwned(_ object: JSONValue, by uid: String) -> Bool {
        object.ownerReferences.contains { $0["uid"]?.stringValue == uid && $0["controller"]?.boolValue == true }
    }

    private static func owner(_ owner: JSONValue, of kind: ResourceKind) -> JSONValue {
        [
            "apiVersion": .string(kind.storageAPIVersion), "kind": .string(kind.kind), "name": .string(owner.name),
            "uid": .string(owner.uid), "controller": true, "blockOwnerDeletion": true,
        ]
    }

    private static func podSpec(_ template: SandboxTemplate) -> JSONValue {
        let address: JSONValue = ["fieldRef": ["fieldPath": "status.podIP"]]
        return [
            "restartPolicy": "Never",
            "nodeName": "devcluster",
            "containers": [
                [
                    "name": "app",
                    "image": "localhost/process",
                    "command": .array(template.command.map(JSONValue.string)),
                    "ports": [["name": "app", "containerPort": .int(Int64(template.port))]],
                    "env": [
                        ["name": "HOST", "valueFrom": address],
                        ["name": "POD_IP", "valueFrom": address],
                        ["name": "PORT", "value": .string(String(template.port))],
                    ],
                ]
            ],
        ]
    }
}
