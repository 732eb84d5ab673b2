import Foundation
import TestPeers
import TestSupport
import Testing
import YAMLKit

/// The statements of Docs/ThreatModel.md about things outside the code: the tests that it names, and the role.
@Suite("The threat model", .timeLimit(.minutes(10)))
struct ThreatModelTests {
    @Test func everyTestThatIsNamedExists() throws {
        let document = try ProjectFiles.text("Docs/ThreatModel.md")
        let named = Set(document.matches(of: /`(\w+Tests)\.(\w+)`/).map { [String($0.1), String($0.2)] })
        let tests = URL(filePath: ProjectFiles.path("Tests"))
        let files = try #require(FileManager.default.enumerator(at: tests, includingPropertiesForKeys: nil))
            .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        // A suite may continue in `Suite+aspect.swift`.
        let sources = Dictionary(grouping: files) {
            String($0.deletingPathExtension().lastPathComponent.prefix { $0 != "+" })
        }
        #expect(named.count > 100)
        for test in named {
            let source = try sources[test[0]]?.map { try String(contentsOf: $0, encoding: .utf8) }.joined() ?? ""
            #expect(source.contains("struct \(test[0])"), "there is no suite \(test[0])")
            #expect(source.contains("func \(test[1])("), "there is no test \(test[0]).\(test[1])")
        }
    }

    /// RBAC rules as `group/resource: verbs`.
    private func rules(ofKind kind: String) throws -> [String: [String]] {
        let documents = try YAMLNode.objects(in: ProjectFiles.text("k8s/base/rbac.yaml"))
        let rules = documents.filter { $0["kind"] as? String == kind }.flatMap { $0["rules"] as? [[String: Any]] ?? [] }
        var verbs: [String: [String]] = [:]
        for rule in rules {
            for group in try #require(rule["apiGroups"] as? [String]) {
                for resource in try #require(rule["resources"] as? [String]) {
                    let names = (rule["resourceNames"] as? [String] ?? []).joined(separator: ",")
                    let key = "\(group)/\(resource)" + (names.isEmpty ? "" : " \(names)")
                    verbs[key, default: []] += try #require(rule["verbs"] as? [String])
                }
            }
        }
        return verbs.mapValues { $0.sorted() }
    }

    @Test func theRoleIsNoWiderThanTheDocumentSays() throws {
        let readAndWatch = ["get", "list", "watch"]
        #expect(
            try rules(ofKind: "Role") == [
                "gateway.networking.k8s.io/httproutes": (readAndWatch + ["create", "patch", "delete"]).sorted(),
                "/services": (readAndWatch + ["create", "delete"]).sorted(),
                "/pods": (readAndWatch + ["patch"]).sorted(),
                "/events": ["create", "list", "watch"],
                "extensions.agents.x-k8s.io/sandboxclaims": (readAndWatch + ["patch"]).sorted(),
                "agents.x-k8s.io/sandboxes": readAndWatch,
                "gateway.networking.k8s.io/gateways agentweaver-preview-gateway": (readAndWatch + ["patch"]).sorted(),
            ]
        )
        #expect(try rules(ofKind: "ClusterRole") == ["authentication.k8s.io/tokenreviews": ["create"]])
    }
}
