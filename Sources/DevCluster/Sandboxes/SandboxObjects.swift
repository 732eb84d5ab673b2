/// The objects that agent-sandbox creates for a claim, and their status.
///
/// Names, labels and reasons are those of agent-sandbox 0.5. A claim is ready if its Sandbox is, a Sandbox if its pod is, and a
/// pod when its process runs. The pod has no readiness probe, because its ports are not known when it starts.
package enum SandboxObjects {
    /// The label that contains the claim's UID.
    package static let claimLabel = "agents.x-k8s.io/claim-uid"
    /// The label that contains the hash of the Sandbox's name.
    package static let nameHashLabel = "agents.x-k8s.io/sandbox-name-hash"
    /// The Sandbox's annotation that contains the pod's name.
    package static let podNameAnnotation = "agents.x-k8s.io/pod-name"

    /// The 32-bit FNV-1a hash of a Sandbox's name, as 8 hexadecimal digits.
    package static func nameHash(_ name: String) -> String {
        var hash: UInt32 = 2_166_136_261
        for byte in name.utf8 {
            hash ^= UInt32(byte)
            hash = hash &* 16_777_619
        }
        let text = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - text.count) + text
    }

    /// The Sandbox of a claim.
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

    /// The pod of a Sandbox.
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

    /// The decision about a Sandbox's condition `Ready`.
    package static func readiness(pod: JSONValue?) -> GatewayPlan.ConditionState {
        guard let pod, !pod.isTerminating else { return .init(false, "DependenciesNotReady", "Pod does not exist") }
        switch pod["status", "phase"]?.stringValue {
        case "Succeeded": return .init(false, "PodSucceeded", "Pod completed successfully")
        case "Failed": return .init(false, "PodFailed", "Pod failed")
        case "Running" where pod.hasCondition("Ready"): return .init(true, "DependenciesReady", "Pod is Ready")
        case let phase: return .init(false, "DependenciesNotReady", "Pod exists with phase: \(phase ?? "Pending")")
        }
    }

    /// Whether `object` is controlled by the owner with this UID.
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
