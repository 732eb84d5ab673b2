import CoreAPI
import CurlHTTP
import FoundationEssentials
import HTTPTransport
import HTTPTypes
import KubernetesClient
import PreviewDomain
import TestPeers
import TestSupport
import Testing

@testable import DevCluster
@testable import PreviewCommands

@Suite("Requests to the platform", .timeLimit(.minutes(1)))
struct PlatformTransportTests {
    private static let kubeconfig = """
        apiVersion: v1
        kind: Config
        clusters: [{name: test, cluster: {server: "http://127.0.0.1:1"}}]
        users: [{name: user, user: {token: a-token}}]
        contexts: [{name: test, context: {cluster: test, user: user}}]
        current-context: test
        """

    /// The service's parts, with the address of the core API.
    private func parts(coreAPI: String) throws -> SharedParts {
        let path = FileManager.default.temporaryDirectory.appending(path: "platform-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try PrivateFile.write(Self.kubeconfig.utf8, to: path)
        let flags = [
            "Sandbox__Preview__ZoneSuffix=preview.localhost", "Auth__ApiKey=\(ServiceUnderTest.key)",
            "Agentweaver__ApiBaseUrl=\(coreAPI)",
        ]
        let settings = try Settings(try SettingsSources(flags: flags, environment: [:], file: nil))
        return try SharedParts(settings, cluster: { try .discover(kubeconfig: path) }, logger: .silent)
    }

    /// Probes of apps use every connection of their transport, and more probes wait for one. A request to the core API
    /// is not delayed.
    @Test func appsThatDoNotAnswerHoldUpNoAuthorisation() async throws {
        try await RawPeer.run({ _, _ in .init("", then: .keepOpen) }) { apps in
            let yes = RawPeer.Response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", then: .keepOpen)
            try await RawPeer.run({ _, _ in yes }) { platform in
                let parts = try parts(coreAPI: "http://\(platform.authority)")
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<(2 * SharedParts.maxProbeConnections) {
                        group.addTask { _ = try? await parts.probes.collect(Self.get(apps), maxBodyBytes: 1) }
                    }
                    await waitWhile { apps.heads.count < SharedParts.maxProbeConnections }
                    let client = try #require(parts.coreAPI)
                    _ = try await client.run(try RunID(ServiceUnderTest.run), bearer: "a-users-token")
                    #expect(platform.heads.count == 1)
                    #expect(apps.heads.count == SharedParts.maxProbeConnections)
                    group.cancelAll()
                }
                await parts.shutdown()
            }
        }
    }

    /// A request with a longer time limit than those to the core API.
    private static func get(_ peer: RawPeer) -> TransportRequest {
        TransportRequest(
            head: HTTPRequest(method: .get, scheme: "http", authority: peer.authority, path: "/"),
            timeout: .seconds(60)
        )
    }
}
