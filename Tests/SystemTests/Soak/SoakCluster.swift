import Basics
import CurlHTTP
import Foundation
import HTTPTypes
import PreviewDomain
import TestPeers

@testable import DevCluster

/// The API server of a soak: a real one if it is available, otherwise the development cluster's. The replicas reach it
/// through a proxy that can stop forwarding; the soak itself connects directly.
struct SoakCluster: Sendable {
    let client: BareClient
    let proxy: MutingProxy
    /// The path of the replicas' kubeconfig.
    let replicasKubeconfig: String
    let place: String

    private static let routes =
        "/apis/gateway.networking.k8s.io/v1/namespaces/\(Platform.namespace)/httproutes"
    private static let services = "/api/v1/namespaces/\(Platform.namespace)/services"

    /// Runs `body` on a new cluster with the platform's namespace and this number of runs.
    static func with(
        runs: Int,
        in folder: URL,
        _ body: @escaping @Sendable (SoakCluster, [RunID]) async throws -> Void
    ) async throws {
        if RealControlPlane.isAvailable {
            try await RealControlPlane.with { plane in
                try await run("real", kubeconfig: plane.kubeconfig, runs: runs, in: folder, body)
            }
        } else {
            try await withAPIServer { server in
                let kubeconfig = folder.appending(path: "kubeconfig").path
                try PrivateFile.write(try await server.kubeconfig().utf8, to: kubeconfig)
                try await run("development", kubeconfig: kubeconfig, runs: runs, in: folder, body)
            }
        }
    }

    private static func run(
        _ place: String,
        kubeconfig: String,
        runs: Int,
        in folder: URL,
        _ body: @escaping @Sendable (SoakCluster, [RunID]) async throws -> Void
    ) async throws {
        let text = try String(contentsOfFile: kubeconfig, encoding: .utf8)
        guard let match = text.firstMatch(of: /127\.0\.0\.1:([0-9]+)/), let port = Int(match.1) else {
            throw DevClusterFailure("the kubeconfig names no port on loopback")
        }
        let client = try BareClient(kubeconfig: kubeconfig)
        let platform = Platform(client)
        try await platform.install()
        let made = try await platform.addRuns(0..<runs, owner: ClusterObjects.owner)
        try await MutingProxy.run(to: port) { proxy in
            let path = folder.appending(path: "replicas").path
            try PrivateFile.write(text.replacing("127.0.0.1:\(port)", with: proxy.authority).utf8, to: path)
            let cluster = SoakCluster(client: client, proxy: proxy, replicasKubeconfig: path, place: place)
            try await body(cluster, made.map(\.id))
        }
        await client.transport.shutdown()
    }

    // MARK: Contents

    private struct List: Decodable {
        struct Item: Decodable {
            struct Metadata: Decodable {
                let name: String
                let annotations: [String: String]?
            }

            let metadata: Metadata
        }

        let items: [Item]
    }

    /// - Parameter agentsPort: The port that only agents request.
    func routes(agentsPort: Int) async throws -> [SoakExpectations.Route] {
        try await items(Self.routes).compactMap { item in
            let annotations = item.metadata.annotations ?? [:]
            guard let token = PreviewToken(objectName: item.metadata.name),
                let expiry = annotations["agentweaver.dev/preview-expires-at"].flatMap({ RFC3339.date($0) })
            else { return nil }
            return SoakExpectations.Route(
                token: token.text,
                expiresAt: expiry,
                isAgents: annotations["agentweaver.dev/preview-target-port"] == "\(agentsPort)"
            )
        }
    }

    /// The number of the previews' Services and HTTPRoutes, including those without their counterpart.
    func objectCount() async throws -> Int {
        let services = try await items(Self.services).filter { $0.metadata.name.hasPrefix("preview-") }
        return try await items(Self.routes).count + services.count
    }

    private func items(_ path: String) async throws -> [List.Item] {
        try JSONDecoder().decode(List.self, from: Data(try await client.send(.get, path))).items
    }
}
