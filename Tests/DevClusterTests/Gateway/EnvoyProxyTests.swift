import FoundationEssentials
import HTTPTransport
import HTTPTypes
import TestSupport
import Testing

@testable import DevCluster

@Suite("Publishing Envoy's files", .timeLimit(.minutes(10)))
struct EnvoyProxyTests {
    /// Answers like the administration page of an Envoy that applies every file at once or, if `refuses` is set,
    /// rejects every change. It does not answer while it is silent.
    private struct WatchingAdmin: HTTPTransport {
        let folder: String
        var refuses = false
        let requests = SharedCount()
        let isSilent = SharedFlag()

        private struct NoAnswer: Error {}

        func withResponse<Result: Sendable>(
            to request: TransportRequest,
            _ handle: @Sendable (TransportResponse) async throws -> Result
        ) async throws -> Result {
            requests.add()
            if isSilent.isSet { throw NoAnswer() }
            let (page, reads) = (Array(text.utf8), SharedCount())
            return try await handle(
                TransportResponse(
                    head: HTTPResponse(status: .ok),
                    body: TransportBody { reads.add() == 1 ? page : nil }
                )
            )
        }

        private var text: String {
            let empty = EnvoyResources(plan: GatewayPlan(), folder: folder)
            let (clusters, routes) = (version("clusters.json"), version("routes.json"))
            let isChanged = clusters != empty.clusters.version || routes != empty.routes.version
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            let endpoints = names.filter { $0.hasPrefix("endpoints_") }.map { name in
                let cluster = name.dropFirst("endpoints_".count).dropLast(".json".count).split(separator: "_")
                return "cluster.\(cluster.joined(separator: "/")).version_text: \"\(version(name))\"\n"
            }
            return endpoints.joined() + """
                cluster_manager.cds.version_text: "\(refuses ? empty.clusters.version : clusters)"
                http.previews.rds.previews.version_text: "\(refuses ? empty.routes.version : routes)"
                cluster_manager.cds.update_rejected: \(refuses && isChanged ? 1 : 0)
                """
        }

        private func version(_ file: String) -> String {
            let bytes = FileManager.default.contents(atPath: "\(folder)/\(file)").map { Array($0) } ?? []
            return (try? JSONParser.value(of: bytes))?["version_info"]?.stringValue ?? ""
        }
    }

    /// Calls `work` with a proxy that has written its first files into a new folder.
    private func withProxy(
        whoseEnvoyRefuses refuses: Bool = false,
        _ work: @Sendable (EnvoyProxy, _ folder: String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let admin = WatchingAdmin(folder: folder, refuses: refuses)
            let proxy = EnvoyProxy(folder: folder, port: 1, adminPort: 2, transport: admin)
            try await proxy.prepare()
            try await work(proxy, folder)
        }
    }

    @Test func aConfigurationIsAppliedOnceEnvoyServesByIt() async throws {
        try await withProxy { proxy, folder in
            let outcome = try await proxy.publish(EnvoyResources(plan: GatewayObjects.plan(), folder: folder))
            #expect(outcome == .applied)
        }
    }

    /// A preview is reachable only after this round trip, so there must be no more of them.
    @Test func aConfigurationThatEnvoyHasLoadedIsConfirmedByOneQuestion() async throws {
        try await withTemporaryFolder { folder in
            let admin = WatchingAdmin(folder: folder)
            let proxy = EnvoyProxy(folder: folder, port: 1, adminPort: 2, transport: admin)
            try await proxy.prepare()
            let resources = EnvoyResources(plan: GatewayObjects.plan(), folder: folder)
            for next in [resources, EnvoyResources(plan: GatewayPlan(), folder: folder)] {
                #expect(try await proxy.publish(next) == .applied)
            }
            let before = admin.requests.value
            #expect(try await proxy.publish(resources) == .applied)
            #expect(admin.requests.value - before == 1)
        }
    }

    @Test func aRefusedConfigurationIsReportedAndTheRoutesBeforeItAreRestored() async throws {
        try await withProxy(whoseEnvoyRefuses: true) { proxy, folder in
            let routes = FileManager.default.contents(atPath: proxy.bootstrap.routesFile)
            let outcome = try await proxy.publish(EnvoyResources(plan: GatewayObjects.plan(), folder: folder))
            #expect(outcome == .refused)
            #expect(FileManager.default.contents(atPath: proxy.bootstrap.routesFile) == routes)
        }
    }

    @Test func theConfigurationBeforeAnUnansweredOneIsWrittenAgain() async throws {
        try await withTemporaryFolder { folder in
            let admin = WatchingAdmin(folder: folder)
            let proxy = Self.proxy(folder, admin)
            try await proxy.prepare()
            let clusters = FileManager.default.contents(atPath: proxy.bootstrap.clustersFile)
            admin.isSilent.isSet = true
            #expect(
                try await proxy.publish(EnvoyResources(plan: GatewayObjects.plan(), folder: folder)) == .unconfirmed
            )
            #expect(FileManager.default.contents(atPath: proxy.bootstrap.clustersFile) != clusters)
            let before = EnvoyResources(plan: GatewayPlan(), folder: folder)
            #expect(try await proxy.publish(before) == .unconfirmed)
            #expect(FileManager.default.contents(atPath: proxy.bootstrap.clustersFile) == clusters)
            admin.isSilent.isSet = false
            #expect(try await proxy.publish(before) == .applied)
        }
    }

    @Test func anUnansweredConfigurationIsPublishedUntilEnvoyConfirmsIt() async throws {
        try await withTemporaryFolder { folder in
            let admin = WatchingAdmin(folder: folder)
            let proxy = Self.proxy(folder, admin)
            try await proxy.prepare()
            admin.isSilent.isSet = true
            let store = try Self.store()
            let log = RecordedLog()
            let controller = GatewayController(
                store: store,
                className: GatewayObjects.className,
                proxy: proxy,
                logger: log.logger
            )
            try await withBackground("the controller") {
                try await controller.run()
            } body: {
                // The first attempt changes the Gateway's status, which leads to the second one. Nothing leads to a third one.
                let repeated: Bool? = try await poll(every: .milliseconds(5), limit: Self.limit) {
                    log.messages.count > 2 ? true : nil
                }
                #expect(repeated == true)
                #expect(log.messages.allSatisfy { $0 == "Envoy did not confirm the configuration in time" })
                #expect(Self.programmed(in: store)?["reason"] == "Pending")
                admin.isSilent.isSet = false
                let isServed: Bool? = try await poll(every: .milliseconds(5), limit: Self.limit) {
                    Self.programmed(in: store)?["status"] == "True" ? true : nil
                }
                #expect(isServed == true)
            }
        }
    }

    private static let limit = Duration.seconds(20)

    /// A proxy that waits for Envoy only briefly.
    private static func proxy(_ folder: String, _ admin: WatchingAdmin) -> EnvoyProxy {
        EnvoyProxy(
            folder: folder,
            port: GatewayObjects.port,
            adminPort: 2,
            transport: admin,
            applyLimit: .milliseconds(10)
        )
    }

    private static func store() throws -> ObjectStore {
        let store = ObjectStore()
        try store.create(.namespaces, namespace: nil, ["metadata": ["name": "agentweaver"]])
        for (kind, object) in [
            (ResourceKind.gateways, GatewayObjects.gateway()), (.services, GatewayObjects.service()),
            (.httpRoutes, GatewayObjects.route()),
        ] { try store.create(kind, namespace: "agentweaver", object) }
        return store
    }

    private static func programmed(in store: ObjectStore) -> JSONValue? {
        let gateway = store.get(.gateways, namespace: "agentweaver", name: "previews")
        return gateway?["status", "conditions"]?.arrayValue?.first { $0["type"] == "Programmed" }
    }

    @Test func theEndpointsOfAClusterThatIsGoneAreRemoved() async throws {
        try await withProxy { proxy, folder in
            let resources = EnvoyResources(plan: GatewayObjects.plan(), folder: folder)
            _ = try await proxy.publish(resources)
            let path = try #require(resources.endpoints.first?.path)
            #expect(FileManager.default.fileExists(atPath: path))
            _ = try await proxy.publish(EnvoyResources(plan: GatewayPlan(), folder: folder))
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func filesThatDoNotChangeAreNotWrittenAgain() async throws {
        try await withProxy { proxy, folder in
            let resources = EnvoyResources(plan: GatewayObjects.plan(), folder: folder)
            _ = try await proxy.publish(resources)
            try FileManager.default.removeItem(atPath: proxy.bootstrap.routesFile)
            #expect(try await proxy.publish(resources) == .applied)
            #expect(!FileManager.default.fileExists(atPath: proxy.bootstrap.routesFile))
        }
    }
}
