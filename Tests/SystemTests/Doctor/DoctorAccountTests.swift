import ArgumentParser
import Basics
import Foundation
import KubernetesClient
import TestPeers
import TestSupport
import Testing

@testable import PreviewCommands

/// Tests as which account `doctor` asks about permissions.
@Suite("The account of doctor", .timeLimit(.minutes(1)))
struct DoctorAccountTests {
    /// The context in a pod whose token is for the subject.
    private func context(_ credential: CredentialSource, namespace: String = "agentweaver") throws -> DoctorContext {
        try DoctorContext(
            DoctorBundleCommand.parse([]).options,
            environment: [
                "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443",
                "Sandbox__Preview__Namespace": namespace,
            ],
            { ClusterConfiguration(server: try BaseURL("https://10.0.0.1"), credential: credential) },
            ScriptedTransport(clock: ManualClock(), []),
            resolve: { _ in [] },
            probes: .system
        )
    }

    @Test(arguments: [
        ("system:serviceaccount:agentweaver:preview-gateway", true),
        ("system:serviceaccount:agentweaver:default", false),
        ("system:serviceaccount:elsewhere:preview-gateway", false), ("preview-gateway", false),
    ])
    func aPodsOwnPermissionsAreCheckedOnlyIfItsAccountIsTheServices(subject: String, isService: Bool) throws {
        let token = TokenSigner().token(subject: subject)
        #expect(try context(.token(Secret(token))).isService == isService)
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try "\(token)\n".write(to: file, atomically: true, encoding: .utf8)
        #expect(try context(.tokenFile(path: file.path)).isService == isService)
    }

    @Test func theAccountIsTheOneInTheNamespaceOfTheSettings() throws {
        let token = TokenSigner().token(subject: "system:serviceaccount:team:preview-gateway")
        #expect(try context(.token(Secret(token)), namespace: "team").isService)
    }

    @Test func aCredentialThatNamesNoAccountIsNotTheServices() throws {
        for credential in [CredentialSource.none, .token(Secret("opaque")), .tokenFile(path: "/none")] {
            #expect(try !context(credential).isService)
        }
    }
}
