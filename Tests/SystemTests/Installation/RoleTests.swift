import Foundation
import TestPeers
import TestSupport
import Testing
import YAMLKit

@testable import DevCluster

private typealias Files = InstallationFiles

/// The permissions in `k8s/base/rbac.yaml`, compared with the service's requests to a real API server.
@Suite(
    "The service's role on a real API server",
    .enabled(
        if: RealControlPlane.isAvailable && TestPrograms.isInstalled("kubectl") && ReplicaProcess.program != nil,
        "there is no kube-apiserver (KUBEBUILDER_ASSETS, TEST_CRDS), no kubectl, or the service was not built"
    ),
    .timeLimit(.minutes(10))
)
struct RoleTests {
    /// A verb on a resource that a rule grants or a request used.
    private struct Permission: Hashable, CustomStringConvertible {
        let group: String
        let resource: String
        let verb: String

        var description: String { "\(verb) \(resource).\(group)" }
    }

    private static let namespace = "agentweaver"
    private static let user = "system:serviceaccount:agentweaver:preview-gateway"

    @Test("With its role the service is refused nothing, and it uses every verb of the role")
    func theRoleHasExactlyThePermissionsThatTheServiceUses() async throws {
        try await RealControlPlane.with { plane in
            let folder = try TemporaryFolder()
            defer { folder.remove() }
            let admin = ["KUBECONFIG": plane.kubeconfig, "HOME": folder.path]
            let k8s = ProjectFiles.path("k8s")
            for step in [
                ["create", "namespace", Self.namespace],
                ["apply", "-f", "\(k8s)/base/rbac.yaml"],
                ["apply", "-n", Self.namespace, "-f", "\(k8s)/components/operator/serviceaccount.yaml"],
                ["apply", "-n", Self.namespace, "-f", "\(k8s)/base/gateway-preview.yaml"],
            ] {
                let result = try await Files.run("kubectl", step, environment: admin)
                #expect(result.isSuccess, "\(step): \(result.errors)")
            }
            let token = try await Files.run(
                "kubectl",
                ["create", "token", "preview-gateway", "-n", Self.namespace],
                environment: admin
            )
            try #require(token.isSuccess, "\(token.errors)")
            let kubeconfig = folder.file("kubeconfig")
            try Self.kubeconfig(plane.kubeconfig, token: token.output.trimmingCharacters(in: .whitespacesAndNewlines))
                .write(toFile: kubeconfig, atomically: true, encoding: .utf8)
            let key = folder.file("key")
            try PrivateFile.write("\(UUID().uuidString)\(UUID().uuidString)".utf8, to: key)
            try await run(kubeconfig: kubeconfig, key: key, log: folder.file("log"), admin)
            try await compare(plane)
        }
    }

    /// Runs the service, and a script that makes it do everything that it can.
    private func run(kubeconfig: String, key: String, log: String, _ admin: [String: String]) async throws {
        let replica = try ReplicaProcess(
            settings: [
                "KUBECONFIG": kubeconfig, "Auth__ApiKeyFile": key,
                "Auth__ServiceAccounts__Operators": "system:serviceaccount:agentweaver:preview-operator",
                "Sandbox__Preview__ZoneSuffix": "preview.example.com", "Sandbox__Preview__ReadyTimeoutSeconds": "1",
                "Sandbox__Preview__IdleTimeoutMinutes": "0.2", "Sandbox__Preview__KeepaliveCoalesceSeconds": "0",
                "Sandbox__Preview__OrphanGraceSeconds": "11", "Sandbox__Preview__SweepIntervalSeconds": "5",
                "Sandbox__Preview__OutageGraceSeconds": "1", "Server__DrainSeconds": "0",
            ],
            log: log
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await replica.run() }
            try await replica.waitUntilReady()
            let scenario = try await Files.run(
                "bash",
                [ProjectFiles.path("Tests/Scripts/role_scenario.sh"), "http://127.0.0.1:\(replica.port)", key],
                environment: admin
            )
            let output = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
            #expect(scenario.isSuccess, "\(scenario.output)\(scenario.errors)\n\(output.suffix(2000))")
            replica.signalStop()
            try await group.waitForAll()
        }
    }

    /// Compares the requests in the audit log with the rules, both ways.
    private func compare(_ plane: RealControlPlane) async throws {
        var used: Set<Permission> = []
        for line in try String(contentsOfFile: plane.auditLog, encoding: .utf8).split(separator: "\n") {
            let event = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            guard (event["user"] as? [String: Any])?["username"] as? String == Self.user,
                let object = event["objectRef"] as? [String: Any], let resource = object["resource"] as? String,
                let verb = event["verb"] as? String
            else { continue }
            let permission = Permission(group: object["apiGroup"] as? String ?? "", resource: resource, verb: verb)
            let code = (event["responseStatus"] as? [String: Any])?["code"] as? Int
            #expect(code != 403, "\(permission) was refused")
            used.insert(permission)
        }
        let granted = try Self.granted()
        #expect(granted.subtracting(used).isEmpty, "granted, and never used")
        #expect(used.subtracting(granted).isEmpty, "used, and granted by no rule")
    }

    private static func granted() throws -> Set<Permission> {
        let documents = try YAMLNode.objects(in: ProjectFiles.text("k8s/base/rbac.yaml"))
        var granted: Set<Permission> = []
        for rule in documents.flatMap({ $0["rules"] as? [[String: Any]] ?? [] }) {
            for group in rule["apiGroups"] as? [String] ?? [] {
                for resource in rule["resources"] as? [String] ?? [] {
                    for verb in rule["verbs"] as? [String] ?? [] {
                        granted.insert(Permission(group: group, resource: resource, verb: verb))
                    }
                }
            }
        }
        return granted
    }

    /// The administrator's kubeconfig with another token.
    private static func kubeconfig(_ path: String, token: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8)
            .replacing(/token: [^}\n]*}}/) { _ in "token: \(token)}}" }
    }
}
